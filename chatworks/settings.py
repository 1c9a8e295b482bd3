"""Settings: from the environment only. Secrets are never in files, the database, logs or pages.

A channel's token stands in a variable that the channel names (``TELEGRAM_TOKEN``). Every other key
of the installation is derived from ``CHATWORKS_SECRET``.
"""

from __future__ import annotations

import hashlib
import hmac
import os
from pathlib import Path

from pydantic import Field, SecretStr, ValidationError
from pydantic_settings import BaseSettings, SettingsConfigDict

from chatworks.kit.errors import Invalid

SECRET_LENGTH_MIN = 32
PROBLEMS = {  # pydantic's types of errors, in words that help
    "missing": "must be set",
    "too_short": f"must have at least {SECRET_LENGTH_MIN} characters",
}


class Settings(BaseSettings):
    """What can be set. ``docs/reference/settings.md`` lists every variable; a test compares."""

    model_config = SettingsConfigDict(extra="ignore", frozen=True)

    database_url: SecretStr | None = Field(None, validation_alias="DATABASE_URL")
    secret: SecretStr = Field(validation_alias="CHATWORKS_SECRET", min_length=SECRET_LENGTH_MIN)
    home: Path = Field(Path(".chatworks"), validation_alias="CHATWORKS_HOME")
    host: str = Field("127.0.0.1", validation_alias="CHATWORKS_HOST")
    port: int = Field(8000, validation_alias="CHATWORKS_PORT", ge=1, le=65535)
    public_url: str = Field("", validation_alias="CHATWORKS_PUBLIC_URL")
    outlet_file: Path | None = Field(None, validation_alias="CHATWORKS_OUTLET_FILE")
    telegram_api_base: str = Field("https://api.telegram.org", validation_alias="TELEGRAM_API_BASE")
    twilio_api_base: str = Field("", validation_alias="TWILIO_API_BASE")
    whatsapp_api_base: str = Field(
        "https://graph.facebook.com", validation_alias="WHATSAPP_API_BASE"
    )
    mail_url: SecretStr | None = Field(None, validation_alias="CHATWORKS_MAIL_URL")
    mail_from: str = Field("", validation_alias="CHATWORKS_MAIL_FROM")
    identity: str = Field(
        "local", validation_alias="CHATWORKS_IDENTITY", pattern="^(local|cognito)$"
    )
    oidc_issuer: str = Field("", validation_alias="OIDC_ISSUER")
    oidc_client_id: str = Field("", validation_alias="OIDC_CLIENT_ID")
    oidc_client_secret: SecretStr = Field(SecretStr(""), validation_alias="OIDC_CLIENT_SECRET")
    oidc_name: str = Field("", validation_alias="OIDC_NAME", max_length=40)
    cognito_user_pool_id: str = Field("", validation_alias="COGNITO_USER_POOL_ID")
    cognito_region: str = Field("", validation_alias="COGNITO_REGION")
    cognito_client_id: str = Field("", validation_alias="COGNITO_CLIENT_ID")
    cognito_client_secret: SecretStr = Field(
        SecretStr(""), validation_alias="COGNITO_CLIENT_SECRET"
    )
    cognito_domain: str = Field("", validation_alias="COGNITO_DOMAIN")
    cognito_endpoint: str = Field("", validation_alias="COGNITO_ENDPOINT")
    cognito_name: str = Field("Amazon Cognito", validation_alias="COGNITO_NAME", max_length=40)
    metrics_port: int = Field(0, validation_alias="CHATWORKS_METRICS_PORT", ge=0, le=65535)
    batch_size: int = Field(300, validation_alias="CHATWORKS_BATCH_SIZE", ge=1, le=500)
    in_flight: int = Field(128, validation_alias="CHATWORKS_IN_FLIGHT", ge=1, le=1000)
    media_bytes_max: int = Field(
        16_777_216, validation_alias="CHATWORKS_MEDIA_BYTES_MAX", ge=65_536, le=104_857_600
    )
    media_outlet_bytes_max: int = Field(
        10_737_418_240, validation_alias="CHATWORKS_MEDIA_OUTLET_BYTES_MAX", ge=1_048_576
    )
    api_per_second: int = Field(20, validation_alias="CHATWORKS_API_PER_SECOND", ge=1, le=100_000)
    recovery_wait_hours: int = Field(
        72, validation_alias="CHATWORKS_RECOVERY_WAIT_HOURS", ge=24, le=720
    )
    log_format: str = Field(
        "console", validation_alias="CHATWORKS_LOG_FORMAT", pattern="^(console|json)$"
    )

    def derive(self, purpose: str) -> bytes:
        """Return 32 bytes for ``purpose``: HMAC-SHA-256 under the installation's secret."""
        key = self.secret.get_secret_value().encode()
        return hmac.new(key, purpose.encode(), hashlib.sha256).digest()

    @property
    def address(self) -> str:
        """Where people reach this installation, without a slash at the end."""
        return self.public_url.rstrip("/") or f"http://{self.host}:{self.port}"


def read_settings() -> Settings:
    """Read the environment; ``Invalid`` names the variable that is missing or wrong."""
    try:
        return Settings()  # type: ignore[call-arg]
    except ValidationError as error:
        first = error.errors(include_input=False, include_url=False)[0]
        problem = PROBLEMS.get(first["type"], f"is wrong: {first['msg'].lower()}")
        raise Invalid(str(first["loc"][0]), problem) from None


def secret_of(variable: str) -> str:
    """Return a channel's token by the name of its variable; "" where it is not set."""
    return os.environ.get(variable, "")
