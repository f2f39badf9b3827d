"""`digitcodec models`: the versions that a service has, or that lie in the models folder."""

import sys
from argparse import Namespace
from dataclasses import asdict
from typing import Any

import orjson

from service.backends.embedded.disk import VersionDirectory, find_versions
from service.cli.addresses import find_url, open_client, told_failures
from service.cli.errors import OK, UsageError
from service.cli.output.table import align
from service.cli.settings import find_model, read_settings
from service.client.answers import ModelVersion, ServedModel

# What a version is that nobody has loaded; the states of a service are those of TensorFlow Serving.
_ON_DISK = "ON DISK"


def run(options: Namespace) -> int:
    """Print the versions, newest first.

    Raises:
        CliError: If the service does not answer, or there is no version in the folder.
    """
    url = find_url(options)
    models = _ask(options, url) if url else [_look(options)]
    if options.json:
        sys.stdout.write(f"{orjson.dumps(_describe(models), option=orjson.OPT_INDENT_2).decode()}\n")
    else:
        sys.stdout.write(align([_HEADING, *(_list(model, version) for model in models for version in model.versions)]))
    return OK


def _ask(options: Namespace, url: str) -> list[ServedModel]:
    with open_client(options, url) as client, told_failures(url):
        return list(client.models())


def _look(options: Namespace) -> ServedModel:
    """What the folder holds; whether it can be loaded `digitcodec doctor` says."""
    settings = find_model(read_settings(), options.models)
    folder = settings.root / settings.name
    found = find_versions(folder)
    if not found:
        raise UsageError(f"there is no version in {folder.resolve()}; name the folder with --models, or a --server")
    labels = {number: tuple(sorted(name for name, of in settings.labels.items() if of == number)) for number in found}
    versions = tuple(_read(each, labels[number]) for number, each in found.items())
    return ServedModel(settings.name, is_ready=False, versions=versions)


def _read(directory: VersionDirectory, labels: tuple[str, ...]) -> ModelVersion:
    return ModelVersion(directory.version, _ON_DISK, labels=labels, model_card=directory.read_companions().card)


def _describe(models: list[ServedModel]) -> dict[str, Any]:
    return {"models": [asdict(model) for model in models]}


_HEADING = ("model", "version", "state", "labels", "recipe", "problem")


def _list(model: ServedModel, version: ModelVersion) -> list[str]:
    recipe = _name_recipe((version.model_card or {}).get("recipe"))
    labels = ", ".join(version.labels) or "-"
    return [model.name, str(version.version), version.state, labels, recipe, version.error or "-"]


def _name_recipe(recipe: Any) -> str:
    """A card may say anything; gRPC says nothing."""
    name = recipe.get("name") if isinstance(recipe, dict) else recipe
    return name if isinstance(name, str) and name else "-"
