"""HandleReloadConfigRequest, for the one thing that may change while the service runs: which labels versions have."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from service.api.tfserving.words import NotOfferedError, unavailable_for_label
from service.domain import VersionStatus
from service.errors import MalformedRequestError

Relabel = Callable[[Mapping[str, int]], None]
"""Replaces all labels of the model: version by label."""

_PLATFORMS = {"", "tensorflow"}
_OTHER_TYPE = 2  # tensorflow.serving.ModelType OTHER; the field is deprecated, but old clients set it

# So many names tell what came; a config may hold a million.
_MAX_NAMES = 8

_POSSIBLE = "only version_labels can be changed, in a model_config_list with this model alone"


def reload_labels(
    config: Any, model_name: str, statuses: Sequence[VersionStatus], relabel: Relabel | None
) -> dict[str, int]:
    """Give the model the labels of a ModelServerConfig, and take all others from it.

    What else the config says of the model (its folder, which versions to keep) is a setting here and not looked at:
    clients have to repeat it with each new set of labels.

    Args:
        config: The message.
        model_name: The model that is served here.
        statuses: Its versions.
        relabel: Carries it out; None if that is not possible here.

    Returns:
        The labels that the model has now.

    Raises:
        NotOfferedError: If labels cannot be changed here.
        MalformedRequestError: If the config is about anything else than labels of our model.
        UnmetError: If a label is for a version that is not available; then nothing has changed.
    """
    if relabel is None:
        raise NotOfferedError("labels are settings here: DIGITCODEC_MODEL__LABELS, or those of the model server behind")
    labels = _parse_labels(config, model_name)
    available = {status.version for status in statuses if status.state == "AVAILABLE"}
    for version in labels.values():
        if version not in available:
            raise unavailable_for_label(version, model_name)
    relabel(labels)
    return labels


def _parse_labels(config: Any, model_name: str) -> dict[str, int]:
    if config.WhichOneof("config") != "model_config_list":
        raise MalformedRequestError(f"no model_config_list came, {_POSSIBLE}")
    models = config.model_config_list.config
    if len(models) != 1 or models[0].name != model_name:
        names = ", ".join(repr(model.name) for model in models[:_MAX_NAMES])
        raise MalformedRequestError(f"the models [{names}] came, expected [{model_name!r}]: {_POSSIBLE}")
    (model,) = models
    if model.model_platform not in _PLATFORMS or model.model_type == _OTHER_TYPE:
        came = model.model_platform or "OTHER"
        raise MalformedRequestError(f"the platform {came!r} came, expected 'tensorflow': {_POSSIBLE}")
    return dict(model.version_labels)
