"""Amazon Cognito as moto's server stands in for it: one process for all tests, on loopback.

``MOTO_COGNITO_IDP_USER_POOL_ENABLE_TOTP`` has it really check authenticator codes. It takes every
confirmation code of a sign-up, and those of a reset that look like its own are checked.
"""

from __future__ import annotations

import hashlib
import hmac
import os
import socket
import struct
import subprocess
import sys
import time
from base64 import b32decode
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from typing import Any
from urllib.request import urlopen

import boto3

REGION = "eu-west-1"
START_SECONDS = 30
KEYS = {"aws_access_key_id": "of-no-use", "aws_secret_access_key": "of-no-use"}


@dataclass
class Pool:
    """A fresh user pool with one app client; ``admin`` is its owner's own client of the API."""

    endpoint: str
    id: str
    client_id: str
    client_secret: str
    admin: Any

    def invite(self, email: str, password: str) -> None:
        """Make somebody who must set a password of their own."""
        self.admin.admin_create_user(
            UserPoolId=self.id,
            Username=email,
            TemporaryPassword=password,
            UserAttributes=[{"Name": "email", "Value": email}],
        )

    def demand_codes(self) -> None:
        """Demand an authenticator app of everybody."""
        self.admin.set_user_pool_mfa_config(
            UserPoolId=self.id,
            SoftwareTokenMfaConfiguration={"Enabled": True},
            MfaConfiguration="ON",
        )


@contextmanager
def cognito_server() -> Iterator[str]:
    """Run the server; yields its address."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    env = {**os.environ, "MOTO_COGNITO_IDP_USER_POOL_ENABLE_TOTP": "true"}
    command = [sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", str(port)]
    process = subprocess.Popen(  # noqa: S603 - fixed arguments
        command, env=env, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    endpoint = f"http://127.0.0.1:{port}"
    try:
        _await(endpoint)
        yield endpoint
    finally:
        process.kill()
        process.wait()


def _await(endpoint: str) -> None:
    until = time.monotonic() + START_SECONDS
    while True:
        try:
            urlopen(f"{endpoint}/moto-api/", timeout=5).close()  # noqa: S310 - on loopback
        except OSError:
            if time.monotonic() > until:
                raise
            time.sleep(0.1)
        else:
            return


@cache
def _admin(endpoint: str) -> Any:
    session = boto3.session.Session(**KEYS)
    return session.client("cognito-idp", region_name=REGION, endpoint_url=endpoint)


def new_pool(endpoint: str, *, confidential: bool = True) -> Pool:
    """Make a pool in which people sign in with their address."""
    admin = _admin(endpoint)
    pool = admin.create_user_pool(
        PoolName="people",
        UsernameAttributes=["email"],
        AutoVerifiedAttributes=["email"],
        Policies={"PasswordPolicy": {"MinimumLength": 8}},
    )["UserPool"]["Id"]
    client = admin.create_user_pool_client(
        UserPoolId=pool,
        ClientName="chatworks",
        GenerateSecret=confidential,
        ExplicitAuthFlows=["ALLOW_USER_PASSWORD_AUTH", "ALLOW_REFRESH_TOKEN_AUTH"],
    )["UserPoolClient"]
    return Pool(endpoint, pool, client["ClientId"], client.get("ClientSecret", ""), admin)


def totp(secret: str) -> str:
    """Return what an authenticator app shows (RFC 6238): moto's key is shorter than pyotp takes."""
    key = b32decode(secret + "=" * (-len(secret) % 8), casefold=True)
    digest = hmac.new(key, struct.pack(">Q", int(time.time() // 30)), hashlib.sha1).digest()
    offset = digest[-1] & 15
    number = struct.unpack(">I", digest[offset : offset + 4])[0] & 0x7FFFFFFF
    return f"{number % 1_000_000:06d}"
