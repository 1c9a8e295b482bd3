"""A Cognito user pool as the first factor: its own calls, through boto3, in a few threads.

The password is typed on our page and travels from our server to the pool (USER_PASSWORD_AUTH), as
with any server that asks for it; SRP would hide it from nobody. What the pool answers is mapped to
our refusals: "no such user", "wrong password", "not confirmed" and "must be reset" are one answer.
Its tokens are checked, read once and forgotten. Nothing here runs inside a transaction.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from functools import cache, partial
from typing import Any

import structlog

from chatworks.federation.core import secret_hash
from chatworks.federation.models import (
    CodeNotRight,
    Endpoints,
    NotRight,
    Provider,
    Unavailable,
)
from chatworks.kit.errors import ChatWorksError, TooMany
from chatworks.passwords.models import NotFit, Problem

log = structlog.get_logger()
THREADS_MAX = 8  # calls at once: each holds a thread until the pool answers
WAITING_MAX = 64  # more than this is not queued: an answer that late is of no use
CONNECT_SECONDS, ANSWER_SECONDS = 3, 10
BUSY_SECONDS = 60

# By the pool's names of its errors (Amazon Cognito user pools API reference, "Errors").
NOT_RIGHT = {
    "NotAuthorizedException",
    "UserNotFoundException",
    "UserNotConfirmedException",
    "PasswordResetRequiredException",
    "ResourceNotFoundException",
}
CODE_NOT_RIGHT = {
    "CodeMismatchException",
    "ExpiredCodeException",
    "EnableSoftwareTokenMFAException",
}
WEAK = {"InvalidPasswordException", "PasswordHistoryPolicyViolationException"}
BUSY = {
    "LimitExceededException",
    "TooManyFailedAttemptsException",
    "TooManyRequestsException",
}
EXISTS = {"UsernameExistsException", "AliasExistsException"}


class Exists(Exception):
    """The pool knows this address already; nobody is told."""


class Refused(Exception):
    """The pool refuses the parameters: for this user the call makes no sense."""


def domain_url(domain: str) -> str:
    """Return the address of a hosted sign-in: ``domain`` is a host name, or an address."""
    return domain.rstrip("/") if "://" in domain else f"https://{domain}"


def pool_issuer(region: str, pool_id: str) -> str:
    """Return a pool's issuer (Amazon Cognito Developer Guide, "Verifying JSON web tokens")."""
    return f"https://cognito-idp.{region}.amazonaws.com/{pool_id}"


def pool_endpoints(issuer: str, pool_id: str, domain: str, endpoint: str) -> Endpoints:
    """Return where a pool is asked; ``endpoint`` replaces the region's own address."""
    hosted = domain_url(domain) if domain else ""
    keys = f"{endpoint.rstrip('/')}/{pool_id}" if endpoint else issuer
    return Endpoints(
        authorize=f"{hosted}/oauth2/authorize",
        token=f"{hosted}/oauth2/token",
        keys=f"{keys}/.well-known/jwks.json",
    )


class UserPool:
    """One app client of a user pool. Calls need no AWS credentials, and look for none."""

    def __init__(self, provider: Provider, region: str, endpoint: str = "") -> None:
        self._provider = provider
        self._region = region
        self._endpoint = endpoint or None
        self._threads = ThreadPoolExecutor(THREADS_MAX, thread_name_prefix="cognito")
        self._waiting = 0
        self._client: Any = None

    def close(self) -> None:
        """Let the threads go; a call that is under way ends by itself."""
        self._threads.shutdown(wait=False, cancel_futures=True)

    def _proof(self, name: str, username: str) -> dict[str, str]:
        """Return the hash by which a confidential client shows itself; none for a public one."""
        secret = self._provider.client_secret
        proof = secret_hash(username, self._provider.client_id, secret)
        return {name: proof} if secret else {}

    async def of_user(self, operation: str, username: str, **parameters: Any) -> dict[str, Any]:
        """Call an operation on a user whose proof stands beside the name."""
        shown = self._proof("SecretHash", username)
        return await self.call(operation, Username=username, **shown, **parameters)

    async def begin(self, username: str, password: str) -> dict[str, Any]:
        """Begin to sign in with a password."""
        said = self._responses(username, {"PASSWORD": password})
        return await self.call("initiate_auth", AuthFlow="USER_PASSWORD_AUTH", AuthParameters=said)

    async def respond(
        self, challenge: str, session: str, username: str, said: Mapping[str, str]
    ) -> dict[str, Any]:
        """Answer a challenge."""
        return await self.call(
            "respond_to_auth_challenge",
            ChallengeName=challenge,
            Session=session,
            ChallengeResponses=self._responses(username, said),
        )

    def _responses(self, username: str, said: Mapping[str, str]) -> dict[str, str]:
        return {"USERNAME": username, **said, **self._proof("SECRET_HASH", username)}

    async def call(self, operation: str, **parameters: Any) -> dict[str, Any]:
        """Call an operation as this client; raises our refusals, ``Exists`` or ``Refused``."""
        return await self.plain(operation, ClientId=self._provider.client_id, **parameters)

    async def plain(self, operation: str, **parameters: Any) -> dict[str, Any]:
        """Call an operation that names no client; raises as ``call`` does."""
        if self._waiting >= WAITING_MAX:
            raise Unavailable("too many are signing in just now; please try again")
        self._waiting += 1
        try:
            loop = asyncio.get_running_loop()
            return await loop.run_in_executor(
                self._threads, partial(self._call, operation, parameters)
            )
        finally:
            self._waiting -= 1

    def _call(self, operation: str, parameters: dict[str, Any]) -> dict[str, Any]:
        from botocore.exceptions import (  # noqa: PLC0415 - half a second, only with Cognito
            BotoCoreError,
            ClientError,
            ParamValidationError,
        )

        try:
            return dict(getattr(self._opened(), operation)(**parameters))
        except ClientError as error:
            raise _mapped(str(error.response.get("Error", {}).get("Code", ""))) from None
        except ParamValidationError:
            raise Refused(operation) from None
        except BotoCoreError as error:
            log.warning("the user pool does not answer", error=type(error).__name__)
            raise Unavailable("signing in is not possible just now") from None

    def _opened(self) -> Any:
        if self._client is None:
            self._client = _client(self._region, self._endpoint)
        return self._client


@cache
def _session() -> Any:
    import boto3  # noqa: PLC0415 - half a second, only with Cognito

    return boto3.session.Session()  # it reads the description of the API once


def _client(region: str, endpoint: str | None) -> Any:
    from botocore import UNSIGNED  # noqa: PLC0415 - with boto3
    from botocore.config import Config  # noqa: PLC0415 - with boto3

    config = Config(
        signature_version=UNSIGNED,
        connect_timeout=CONNECT_SECONDS,
        read_timeout=ANSWER_SECONDS,
        retries={"total_max_attempts": 1},  # a code that was spent is not tried again
        max_pool_connections=THREADS_MAX,
    )
    return _session().client(
        "cognito-idp", region_name=region, endpoint_url=endpoint, config=config
    )


def _mapped(code: str) -> Exception:
    """Return what an error of the pool means to us."""
    kinds: list[tuple[set[str], ChatWorksError | Exception]] = [
        (NOT_RIGHT, NotRight()),
        (CODE_NOT_RIGHT, CodeNotRight()),
        (WEAK, NotFit(Problem.REFUSED, 0)),
        (BUSY, TooMany("tries (user pool)", BUSY_SECONDS)),
        (EXISTS, Exists()),
        ({"InvalidParameterException", "UserLambdaValidationException"}, Refused(code)),
    ]
    # nosemgrep: personal-field-in-a-log - the pool's word for the error, not what was typed
    log.info("the user pool refused", code=code)
    for codes, meant in kinds:
        if code in codes:
            return meant
    # nosemgrep: personal-field-in-a-log - as above
    log.warning("the user pool refused, and nobody here knows why", code=code)
    return Unavailable("signing in is not possible just now")
