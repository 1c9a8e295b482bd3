"""What federation offers, and how it is composed from what the environment names."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import urlsplit

from chatworks.federation.cognito import CognitoFactor
from chatworks.federation.core import is_trustworthy
from chatworks.federation.hosted import Hosted
from chatworks.federation.local import LocalFactor
from chatworks.federation.models import DATA_MAP, FirstFactor, Provider
from chatworks.federation.openid import OpenId
from chatworks.federation.service import Strangers, Tickets
from chatworks.federation.user_pool import UserPool, pool_endpoints, pool_issuer
from chatworks.identity.letters import Courier
from chatworks.kit.crypto import Vault
from chatworks.kit.db import Database
from chatworks.kit.errors import Invalid
from chatworks.kit.feature import Feature
from chatworks.kit.http import HttpClient
from chatworks.passwords.service import Passwords
from chatworks.settings import Settings

FEATURE = Feature(name="federation", data_map=DATA_MAP)
OIDC, COGNITO = "oidc", "cognito"


@dataclass(slots=True)
class Federation:
    """The providers of an installation, and who keeps its passwords."""

    hosted: Hosted
    titles: Mapping[str, str]
    first_factor: FirstFactor
    pool: UserPool | None

    def close(self) -> None:
        """Let go of the threads."""
        if self.pool is not None:
            self.pool.close()


@dataclass(frozen=True, slots=True)
class Ground:
    """What federation stands on."""

    db: Database
    http: HttpClient
    vault: Vault
    passwords: Passwords
    courier: Courier


def federation(settings: Settings, ground: Ground) -> Federation:
    """Compose what the environment names; ``Invalid`` names a variable that is wrong."""
    db, tickets = ground.db, Tickets(ground.vault)
    oidc, cognito = _openid(settings, db, ground.http), _cognito(settings, db, ground.http)
    ways = [way for way in (oidc, cognito) if way is not None]
    titles = {way.provider.key: way.provider.title for way in ways}
    strangers = Strangers(db, tickets, ground.courier, titles)
    shown = [way for way in ways if way is oidc or settings.cognito_domain]
    hosted = Hosted(db, shown, strangers, settings.address)
    if settings.identity != COGNITO:
        local = LocalFactor(db, ground.passwords, ground.courier, tickets, strangers)
        return Federation(hosted, titles, local, None)
    if cognito is None:
        raise Invalid("COGNITO_USER_POOL_ID", "must be set for CHATWORKS_IDENTITY=cognito")
    pool = UserPool(cognito.provider, _region(settings), settings.cognito_endpoint)
    factor = CognitoFactor(db, pool, cognito, ground.courier, tickets, strangers)
    return Federation(hosted, titles, factor, pool)


def _both(first: tuple[str, str], second: tuple[str, str]) -> bool:
    """Return whether two variables that belong together are set; ``Invalid`` where one is."""
    for (name, value), (other, others) in ((first, second), (second, first)):
        if others and not value:
            raise Invalid(name, f"must be set with {other}")
    return bool(first[1])


def _openid(settings: Settings, db: Database, http: HttpClient) -> OpenId | None:
    issuer, client_id = settings.oidc_issuer, settings.oidc_client_id
    if not _both(("OIDC_ISSUER", issuer), ("OIDC_CLIENT_ID", client_id)):
        return None
    if not is_trustworthy(issuer) or urlsplit(issuer).query or urlsplit(issuer).fragment:
        raise Invalid("OIDC_ISSUER", "must be an https address without query and fragment")
    title = settings.oidc_name or urlsplit(issuer).hostname or issuer
    secret = settings.oidc_client_secret.get_secret_value()
    return OpenId(Provider(OIDC, title, issuer, client_id, secret), http, db.clock)


def _cognito(settings: Settings, db: Database, http: HttpClient) -> OpenId | None:
    pool_id, client_id = settings.cognito_user_pool_id, settings.cognito_client_id
    if not _both(("COGNITO_USER_POOL_ID", pool_id), ("COGNITO_CLIENT_ID", client_id)):
        return None
    issuer = pool_issuer(_region(settings), pool_id)
    provider = Provider(
        COGNITO,
        settings.cognito_name,
        issuer,
        client_id,
        settings.cognito_client_secret.get_secret_value(),
        vouches=True,
        token_use=True,
    )
    known = pool_endpoints(issuer, pool_id, settings.cognito_domain, settings.cognito_endpoint)
    return OpenId(provider, http, db.clock, known)


def _region(settings: Settings) -> str:
    """Return the pool's region: its id begins with it (``eu-west-1_AbCdEfGhI``)."""
    region = settings.cognito_region or settings.cognito_user_pool_id.partition("_")[0]
    if not region or not settings.cognito_user_pool_id.startswith(f"{region}_"):
        raise Invalid("COGNITO_REGION", "must be the region with which the pool's id begins")
    return region
