"""Every setting of the gateway, read once at start and handed out by group."""

from service.settings.access import AccessSettings
from service.settings.backends import BackendSettings, EmbeddedBackendSettings, TFServingBackendSettings
from service.settings.environment import UnreadableSettingError, load_settings
from service.settings.groups import (
    BatchingSettings,
    BulkSettings,
    GrpcSettings,
    HttpSettings,
    LimitSettings,
    ModelServerSettings,
    ModelSettings,
    ObservabilitySettings,
)
from service.settings.root import PREFIX, Settings
from service.settings.tls import TlsSettings

__all__ = [
    "PREFIX",
    "AccessSettings",
    "BackendSettings",
    "BatchingSettings",
    "BulkSettings",
    "EmbeddedBackendSettings",
    "GrpcSettings",
    "HttpSettings",
    "LimitSettings",
    "ModelServerSettings",
    "ModelSettings",
    "ObservabilitySettings",
    "Settings",
    "TFServingBackendSettings",
    "TlsSettings",
    "UnreadableSettingError",
    "load_settings",
]
