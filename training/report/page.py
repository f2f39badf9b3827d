"""Composes the page from its figures; draws nothing itself."""

from datetime import datetime
from pathlib import Path
from typing import Any

import jinja2

from training.data.load import DigitData
from training.evaluation.evaluated import Evaluated
from training.report import codes, denoising, fit_curves, headline, reconstructions, scores, strange
from training.report.version import Version
from training.report.words import name_strange_set, write_count, write_duration, write_psnr

_TEMPLATES = Path(__file__).with_name("templates")
# Fewer looks make no curve.
_FEWEST_LOOKS = 2


def render_page(version: Version, evaluation: Evaluated, data: DigitData, decode: codes.Decode) -> str:
    """The whole page.

    Args:
        version: What the version says of itself.
        evaluation: What was found.
        data: The digits it was found on.
        decode: Codes, float32 (n, code_dim) -> pictures, uint8 (n, 28, 28).
    """
    sections = {
        "summary": _compose_summary(version, evaluation, data),
        "reconstructions": _compose_reconstructions(evaluation, data),
        "cleaning": _compose_cleaning(evaluation),
        "fit": _compose_fit(version),
        "code": _compose_code(version, evaluation, data, decode),
        "anomalies": _compose_anomalies(evaluation, data),
        "again": _compose_origin(version, evaluation),
    }
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(_TEMPLATES),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    return environment.get_template("page.html.jinja").render(version=version, **sections)


def _compose_summary(version: Version, evaluation: Evaluated, data: DigitData) -> dict[str, Any]:
    card = version.card
    trained_on = card.get("data", {})
    return {
        "findings": headline.build_findings(evaluation.metrics, card, len(data.test_images)),
        "recipe": card.get("recipe"),
        "facts": _list_facts(card),
        "measured": f"{write_count(len(data.test_images), 'test digit')} of {data.name}",
        "is_known": trained_on.get("sha256") == data.sha256,
        "trained_on": trained_on.get("name"),
    }


def _list_facts(card: dict[str, Any]) -> list[tuple[str, str]]:
    """What the model is, as far as its card says."""
    facts = []
    if "code_dim" in card:
        facts.append(("Code", write_count(card["code_dim"], "unit")))
    if "parameters" in card:
        facts.append(("Size", write_count(card["parameters"], "parameter")))
    if "data" in card:
        facts.append(("Trained on", f"{write_count(card['data']['train_images'], 'image')} of {card['data']['name']}"))
    if "training_seconds" in card:
        facts.append(("Trained for", write_duration(card["training_seconds"])))
    if "created" in card:
        facts.append(("Made", _write_date(card["created"])))
    return facts


def _write_date(moment: str) -> str:
    """A moment as a card has it, by its day; what is no moment stays what it is."""
    try:
        day = datetime.fromisoformat(moment)
    except ValueError:
        return moment
    return f"{day.day} {day:%B %Y}"


def _compose_reconstructions(evaluation: Evaluated, data: DigitData) -> dict[str, Any]:
    return {
        "typical": reconstructions.build_typical(data, evaluation.test),
        "has_labels": data.test_labels is not None,
        "clean": evaluation.metrics["clean"],
        "psnr": write_psnr(evaluation.metrics["clean"]["psnr_db"]),
        "by_class": reconstructions.render_errors_by_class(evaluation.metrics),
        "spread": scores.render_spread(evaluation.test.errors),
    }


def _compose_cleaning(evaluation: Evaluated) -> dict[str, Any]:
    return {
        "noises": denoising.build_cleanings(evaluation),
        "chart": denoising.render_comparison(evaluation.metrics),
        "methods": denoising.list_methods(evaluation.metrics),
        "rows": denoising.build_rows(evaluation.metrics),
        "images": evaluation.metrics["denoising_table"]["images"],
        "tuning_images": evaluation.metrics["denoising_table"]["tuning_images"],
    }


def _compose_fit(version: Version) -> dict[str, Any]:
    history = version.history
    if history is None or len(history.steps) < _FEWEST_LOOKS:
        return {"charts": None, "has_history": history is not None}
    return {"charts": fit_curves.render_fit_curves(history), "has_history": True}


def _compose_code(version: Version, evaluation: Evaluated, data: DigitData, decode: codes.Decode) -> dict[str, Any]:
    found = evaluation.test.codes
    network = version.card.get("recipe", {}).get("network", {})
    return {
        "width": found.shape[1],
        "verdict": codes.judge_units(found),
        "projections": [
            (projection.title, codes.render_projection(projection, data.test_labels))
            for projection in codes.build_projections(found)
        ],
        "manifold": codes.build_manifold(found, decode),
        "samples": codes.build_samples(found.shape[1], decode) if network.get("variational") else None,
        "units": codes.render_units(found),
    }


def _compose_anomalies(evaluation: Evaluated, data: DigitData) -> dict[str, Any]:
    strangest, most_normal = reconstructions.build_extremes(data, evaluation.test)
    return {
        "threshold": scores.THRESHOLD,
        "calibration": scores.render_calibration(evaluation.metrics["calibration"], len(data.test_images)),
        "band": scores.describe_band(evaluation.metrics["calibration"]["size"], len(data.test_images)),
        "promises": scores.list_promises(evaluation.test.anomaly_scores, evaluation.metrics["calibration"]["size"]),
        "groups": strange.build_rows(evaluation.metrics),
        "cards": strange.build_cards(evaluation),
        "strangest": strangest,
        "most_normal": most_normal,
    }


def _compose_origin(version: Version, evaluation: Evaluated) -> dict[str, Any]:
    card = version.card
    return {
        "command": card.get("command"),
        "commit": card.get("git_commit"),
        "seed": card.get("seed"),
        "data": card.get("data", {}),
        "libraries": card.get("libraries", {}),
        "left_out": [(name_strange_set(name).title, reason) for name, reason in evaluation.metrics["left_out"].items()],
    }
