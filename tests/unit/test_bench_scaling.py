"""The simulation's own laws, the durations it draws, plans and the page; nothing is started."""

import random
import socketserver
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest

from bench.plain_http import UnexpectedAnswerError
from bench.scaling import __main__ as command
from bench.scaling.check import Comparison, render
from bench.scaling.costs import Costs, size_turns
from bench.scaling.durations import Durations
from bench.scaling.figures import Figures, read_figures, write_figures
from bench.scaling.open_load import Sent, plan_arrivals, send_when_due
from bench.scaling.page import rewrite
from bench.scaling.plan import plan
from bench.scaling.plant import Plant, Policy
from bench.scaling.scenarios import Setting, draw_curve
from bench.scaling.simulate import simulate
from bench.scaling.work import Work, read_work

_PAGE = Path(__file__).resolve().parents[2] / "docs/scaling.md"


def chance() -> random.Random:
    """The same at every run."""
    return random.Random(1)  # noqa: S311 - a simulation


def fixed(*weights: float) -> Durations:
    """Durations that are exactly a line; the sizes cover every count."""
    sizes = np.vstack([np.eye(len(weights)), np.ones(len(weights))])
    return Durations(sizes, sizes @ np.array(weights), chance())


def build_costs(*, loop_s: float = 0.0, model_s: float = 0.001, row_s: float = 0.0, wake_s: float = 0.0) -> Costs:
    """Work without chance: the loop takes `loop_s` to read a request and `loop_s` to answer it."""
    model = fixed(model_s, row_s)
    return Costs(fixed(0.0, loop_s, 0.0, loop_s), model, model, [wake_s], [0.0], 0.0, chance())


def wait_ms(costs: Costs, *left_ms: float, plant: Plant | None = None, policy: Policy | None = None) -> list[float]:
    """How long each of these requests waits."""
    left_s = np.array(left_ms) / 1e3
    waits_s = simulate(costs, left_s, plant, policy).answered_s - left_s
    return [round(wait_s * 1e3, 6) for wait_s in waits_s.tolist()]


def test_a_lone_request_pays_each_piece_of_work_once() -> None:
    """Wake the loop, read, wake the model, run, wake the loop, answer, wake the client."""
    assert [0.1 + 0.2 + 0.1 + 1.0 + 0.1 + 0.2 + 0.1] == wait_ms(build_costs(loop_s=0.0002, wake_s=0.0001), 0.0)


def test_what_waits_while_the_model_is_busy_leaves_together() -> None:
    """The second and third request share the second batch."""
    run = simulate(build_costs(), np.array([0.0, 0.0002, 0.0004]))

    assert [1, 2] == run.batches
    assert [1.0, 2.0, 2.0] == (run.answered_s * 1e3).round(6).tolist()


def test_no_batch_is_larger_than_the_policy_allows() -> None:
    """Of five requests that come together two leave, then two, then one."""
    run = simulate(build_costs(), np.zeros(5), policy=Policy(max_rows=2))

    assert [2, 2, 1] == run.batches


def test_a_lone_request_waits_as_long_as_it_is_told_to_linger() -> None:
    """And not at all where a full batch has come."""
    linger = Policy(max_rows=2, linger_s=0.005)

    assert [6.0] == pytest.approx(wait_ms(build_costs(), 0.0, policy=linger), abs=1e-3)
    assert [1.0, 1.0] == wait_ms(build_costs(), 0.0, 0.0, policy=linger)


def test_a_queue_is_as_long_as_theory_says() -> None:
    """One by one, a fixed time each, half loaded: a request waits half a service time on average (M/D/1)."""
    left_s = plan_arrivals(500.0, 40.0, seed=3)
    run = simulate(build_costs(), left_s, policy=Policy(max_rows=1))

    assert 1.5e-3 == pytest.approx(float((run.answered_s - left_s).mean()), rel=0.1)


def test_gateways_take_requests_in_turn() -> None:
    """Two requests at once wait for nobody where there are two gateways, and one waits where there is one."""
    one_by_one = Policy(max_rows=1)

    assert [1.0, 1.0] == wait_ms(build_costs(), 0.0, 0.0, plant=Plant(gateways=2), policy=one_by_one)
    assert [1.0, 2.0] == wait_ms(build_costs(), 0.0, 0.0, policy=one_by_one)


def test_gateways_queue_before_a_shared_server() -> None:
    """And each call takes what a call takes."""
    pool = Plant(gateways=2, servers=1, call_s=0.0005)

    assert [1.5, 2.5] == wait_ms(build_costs(), 0.0, 0.0, plant=pool)


def test_a_large_request_does_not_stand_before_small_ones() -> None:
    """It has a thread of its own."""
    costs = build_costs()
    costs = Costs(costs.loop, costs.model, fixed(0.0, 0.5), [0.0], [0.0], 0.0, chance())
    run = simulate(costs, np.array([0.0, 0.001]), is_bulk=[True, False])

    assert [500.0, 2.0] == (run.answered_s * 1e3).round(6).tolist()


def test_durations_grow_with_what_there_is_to_do() -> None:
    """By the line through what was measured, whatever a few of them had to wait for."""
    rng = np.random.default_rng(1)
    rows = rng.integers(1, 64, 5000)
    seconds = (300 + 20 * rows) * 1e-6 * rng.normal(1, 0.05, len(rows))
    seconds[::100] += 0.01
    drawn = Durations(np.column_stack([np.ones(len(rows)), rows]), seconds, chance())

    assert 300e-6 == pytest.approx(drawn.weights[0], rel=0.05)
    assert 20e-6 == pytest.approx(drawn.weights[1], rel=0.05)
    assert 0.01 == pytest.approx(max(drawn.stalls_s), rel=0.1)


def test_drawn_durations_have_the_measured_mean_and_tail() -> None:
    """Stalls included, in the share in which they came."""
    rng = np.random.default_rng(2)
    seconds = rng.gamma(4, 0.25e-3, 5000)
    seconds[::100] += 0.01
    durations = Durations(np.ones((len(seconds), 1)), seconds, chance())
    drawn = np.array([durations.draw_s([1]) for _ in range(20000)])

    assert float(seconds.mean()) == pytest.approx(float(drawn.mean()), rel=0.1)
    assert float(np.percentile(seconds, 99.5)) == pytest.approx(float(np.percentile(drawn, 99.5)), rel=0.1)


def test_turns_know_whether_batches_came_back() -> None:
    """One, requests, a one if rows came back, rows."""
    assert [[1, 2, 0, 0], [1, 0, 1, 5]] == size_turns(np.array([[0.0, 0.1, 2, 0], [1.0, 1.1, 0, 5]])).tolist()


def test_work_is_cut_by_its_beginning(tmp_path: Path) -> None:
    """And is read as it was written."""
    work = Work(np.arange(12.0).reshape(3, 4), np.arange(9.0).reshape(3, 3))
    work.write(tmp_path / "work.npz")
    part = read_work(tmp_path / "work.npz").between(3.0, 8.0)

    assert [[4.0, 5.0, 6.0, 7.0]] == part.loop.tolist()
    assert [[3.0, 4.0, 5.0], [6.0, 7.0, 8.0]] == part.model.tolist()


def test_waits_count_from_when_a_request_was_due() -> None:
    """However late it left; the first seconds can be left out."""
    sent = Sent(np.array([1.0, 2.0, 3.0]), np.array([1.5, 2.5, 3.5]), np.array([2.0, 4.0, 6.0]), np.zeros(1))

    assert [2.0, 3.0] == sent.drop(0.5).waits_s.tolist()


def test_arrivals_are_as_many_as_the_rate_says() -> None:
    """In order, and the same for the same seed."""
    due_s = plan_arrivals(1000.0, 100.0, seed=7)

    assert 100_000 == pytest.approx(len(due_s), rel=0.02)
    assert np.array_equal(np.sort(due_s), plan_arrivals(1000.0, 100.0, seed=7))


@contextmanager
def answering(answer: bytes) -> Iterator[int]:
    """The port of a server that answers every piece of a request with these bytes, or not at all without any."""

    class Handler(socketserver.BaseRequestHandler):
        def handle(self) -> None:
            while self.request.recv(1000):
                self.request.sendall(answer)

    class Server(socketserver.ThreadingTCPServer):
        daemon_threads = True

    with Server(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        yield server.server_address[1]
        server.shutdown()
        thread.join()


def test_requests_leave_when_they_are_due() -> None:
    """Not when the one before is answered, and every answer has its time."""
    due_s = np.array([0.0, 0.02, 0.02, 0.05])
    with answering(b"HTTP/1.1 200 OK\r\n\r\n") as port:
        sent = send_when_due(port, [b"please"], due_s, connections=3)

    assert due_s == pytest.approx(sent.due_s - sent.due_s[0])
    assert (sent.left_s >= sent.due_s).all()
    assert (sent.waits_s > 0).all()


def test_a_load_fails_when_nobody_answers() -> None:
    """At once, when no connection is left; it does not become slower."""
    with answering(b"") as port, pytest.raises(UnexpectedAnswerError, match="1 requests wait for their answers"):
        send_when_due(port, [b"please"], np.zeros(2), connections=1)


def test_a_load_fails_at_a_refusal() -> None:
    """The text is what came."""
    with answering(b"HTTP/1.1 429 Too Many") as port, pytest.raises(UnexpectedAnswerError, match="429 Too Many"):
        send_when_due(port, [b"please"], np.array([0.0, 0.05]), connections=2)


def test_a_curve_ends_where_a_plant_cannot_keep_up() -> None:
    """A model that takes 1 ms one by one carries no 2,000 a second."""
    one_by_one = Setting("policy", "one by one", policy=Policy(max_rows=1))
    curve = draw_curve(one_by_one, build_costs(), capacity=2000.0, requests=2000)

    assert [200.0, 400.0, 600.0, 800.0] == curve.rates[:4]
    assert curve.rates[-1] < 1500
    assert sorted(curve.p99_ms) == curve.p99_ms
    assert {1.0} == set(curve.rows)


@pytest.mark.parametrize(("simulated_ms", "holds"), [(7.4, False), (7.5, True), (12.5, True), (12.6, False)])
def test_a_simulation_holds_within_a_quarter(simulated_ms: float, *, holds: bool) -> None:
    """Of the measured p99, on either side."""
    found = Comparison(0.4, 100.0, [1, 2, 10.0], [1, 2, simulated_ms], [1, 2, 11.0], [10.0], [simulated_ms])

    assert holds == found.holds
    assert f"| 40% | 100 | 1.0, 10.0 | 1.0, {simulated_ms} | {simulated_ms / 10:.2f} | 1.10 |" in render([found])


def test_figures_are_read_as_they_were_written(tmp_path: Path) -> None:
    """Through JSON."""
    figures = read_figures()
    write_figures(figures, tmp_path / "figures.json")

    assert figures == read_figures(tmp_path / "figures.json")


def test_a_plan_is_processor_time_times_rate() -> None:
    """For a hundred thousand images a second, with each core half used."""
    figures = read_figures()
    inside, thin = plan(figures, 100_000, "npy-256", busy=0.5, price=0.04)
    cost = figures.find_carried("thin", "npy-256")

    assert figures.find_carried("embedded", "npy-256").gateway_us / 5 == pytest.approx(inside.gateway_cores)
    assert (cost.gateway_us + cost.server_us) / 5 == pytest.approx(thin.gateway_cores + thin.model_cores)
    assert 100_000 / 256 == thin.requests_per_s
    assert (thin.gateway_cores + thin.model_cores) * 0.04 * 1e9 / 100_000 / 3600 == pytest.approx(thin.cost)


def test_the_command_prints_a_plan(capsys: pytest.CaptureFixture[str]) -> None:
    """A line for each system."""
    assert 0 == command.main(["plan", "--rate", "1000", "--format", "packed-256"])
    assert ["embedded", "thin"] == [line.partition(":")[0] for line in capsys.readouterr().out.splitlines()]


@pytest.mark.parametrize(
    "arguments",
    [
        ["plan", "--rate", "0"],
        ["plan", "--rate", "nan"],
        ["plan", "--rate", "many"],
        ["plan", "--rate", "5", "--busy", "1.5"],
        ["check", "--rounds", "0"],
        ["check", "--seconds", "-1"],
        ["check", "--shares", "40"],
    ],
    ids=" ".join,
)
def test_the_command_refuses_what_makes_no_sense(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    """By naming the option, before anything is started."""
    with pytest.raises(SystemExit, match="2"):
        command.main(arguments)
    assert f"argument {arguments[-2]}: " in capsys.readouterr().err


def test_tables_are_written_between_their_marks() -> None:
    """And what stands around them stays."""
    figures: Figures = read_figures()
    page = rewrite("before\n<!-- cost -->\nold\n<!-- end -->\nafter\n", figures)

    assert page.startswith("before\n<!-- cost -->\n| US dollars")
    assert page.endswith("|\n<!-- end -->\nafter\n")
    assert "old" not in page


def test_the_page_says_what_was_measured() -> None:
    """docs/scaling.md has the tables of the figures that are kept; `python -m bench.scaling measure` writes both."""
    assert rewrite(_PAGE.read_text(), read_figures()) == _PAGE.read_text()
