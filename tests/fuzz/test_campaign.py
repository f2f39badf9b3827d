"""The run over all targets: findings are kept, and it knows when to stop."""

from pathlib import Path
from typing import Any, cast

from bench.fuzz.campaign import TARGETS, Campaign, make_case
from bench.fuzz.cases import Case
from bench.fuzz.findings import load_finding
from bench.fuzz.replies import FindingError

ROUND_S = 0.2


class _Stub:
    """A `Sender` and a `HealthWatch` in one, either of which may complain.

    Attributes:
        sent: All cases.
    """

    def __init__(self, *, is_sound: bool = True, is_well: bool = True) -> None:
        self.sent: list[Case] = []
        self._is_sound = is_sound
        self._is_well = is_well

    def send(self, case: Case) -> str:
        self.sent.append(case)
        if not self._is_sound:
            raise FindingError("wrong")
        return "200"

    def check(self) -> None:
        if not self._is_well:
            raise FindingError("unwell")


def run(stub: _Stub, folder: Path, seconds: float = ROUND_S) -> Campaign:
    """One round against the stub."""
    campaign = Campaign(cast("Any", stub), cast("Any", stub), folder, seed=3)
    campaign.run_round(seconds, lambda _: None)
    return campaign


def test_sound_service_leaves_no_finding(tmp_path: Path) -> None:
    """Every target had its turn, and each case counts."""
    stub = _Stub()
    campaign = run(stub, tmp_path)

    assert [] == campaign.findings
    assert TARGETS.keys() == campaign.tallies.keys()
    assert len(stub.sent) == sum(tally.statuses["200"] for tally in campaign.tallies.values())


def test_findings_hold_what_was_sent(tmp_path: Path) -> None:
    """The case, and those before it."""
    campaign = run(_Stub(is_sound=False), tmp_path)
    first, second = campaign.tallies["npy"].findings[:2]

    assert [make_case("npy", 3, 0)] == load_finding(first)
    assert [make_case("npy", 3, 0), make_case("npy", 3, 1)] == load_finding(second)


def test_target_with_many_findings_ends(tmp_path: Path) -> None:
    """Twenty tell enough."""
    campaign = run(_Stub(is_sound=False), tmp_path, seconds=60)

    assert 20 * len(TARGETS) == len(campaign.findings)


def test_unwell_service_ends_the_campaign(tmp_path: Path) -> None:
    """The first finding after which the service is not itself is the last."""
    stub = _Stub(is_sound=False, is_well=False)
    campaign = run(stub, tmp_path, seconds=60)

    assert campaign.is_lost
    assert 1 == len(campaign.findings) == len(stub.sent)
