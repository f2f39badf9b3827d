"""Validates Kubernetes objects: the cluster's own kinds by its schemas, others by those of tests/deploy/schemas."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import kubernetes_validate
from jsonschema import Draft202012Validator
from support.metric_names import REPOSITORY

VERSIONS = ("1.30", "1.34")
"""The oldest Kubernetes that can run our objects, and a recent one."""

_FOLDER = REPOSITORY / "tests" / "deploy" / "schemas"
_OWN = {"ServiceMonitor", "PrometheusRule", "ServingRuntime", "InferenceService"}


def find_faults(document: Mapping[str, Any], version: str) -> list[str]:
    """What is wrong with an object; names that the schema does not know are.

    Args:
        document: The object.
        version: Of Kubernetes.
    """
    kind = document["kind"]
    if kind in _OWN:
        return [*_find_own_faults(document), *_find_pod_faults(document, version)]
    try:
        kubernetes_validate.validate(document, version, strict=True)
    except (kubernetes_validate.ValidationError, kubernetes_validate.SchemaNotFoundError) as fault:
        return [str(fault)]
    return []


def find_schema_faults(document: Any, name: str) -> list[str]:
    """What is wrong with a document by one of our schemas."""
    return _list_faults(document, _read(f"{name}.json"))


def _find_own_faults(document: Mapping[str, Any]) -> list[str]:
    """Of a kind that is not the cluster's own; its metadata are as those of all others."""
    faults = find_schema_faults(document, document["kind"].lower())
    return [*faults, *_list_faults(document["metadata"], _read("metadata.json"))]


def _list_faults(document: Any, schema: Any) -> list[str]:
    return [f"{each.json_path}: {each.message}" for each in Draft202012Validator(schema).iter_errors(document)]


def _find_pod_faults(document: Mapping[str, Any], version: str) -> list[str]:
    """Of containers and volumes that are a pod's, in an object that is none."""
    parts = {name: document["spec"][name] for name in ("containers", "volumes") if name in document["spec"]}
    if not parts:
        return []
    return find_faults({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "part"}, "spec": parts}, version)


def _read(name: str) -> Any:
    return json.loads(Path(_FOLDER / name).read_text(encoding="utf-8"))
