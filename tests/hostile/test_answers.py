"""What every answer carries, whoever asks and whatever for."""

from __future__ import annotations

import httpx
import pytest

PATHS = (
    "/",
    "/o/majipro",
    "/o/majipro/privacy",
    "/healthz",
    "/readyz",
    "/metrics",
    "/robots.txt",
    "/account",
    "/account/sign-in",
    "/account/forgot",
    "/console",
    "/console/sign-in",
    "/api/v1/openapi.json",
    "/api/v1/orders",
    "/nothing/here",
    "/in/telegram/nobodys-path",
)
HTML = {"accept": "text/html"}
ORIGIN = {"origin": "https://evil.example"}


@pytest.mark.parametrize("path", PATHS)
async def test_every_answer_carries_the_headers(client: httpx.AsyncClient, path: str) -> None:
    answer = await client.get(path, headers=HTML)

    assert answer.headers["x-content-type-options"] == "nosniff"
    assert "frame-ancestors 'none'" in answer.headers["content-security-policy"]
    assert answer.headers["referrer-policy"] == "strict-origin-when-cross-origin"
    assert answer.headers["permissions-policy"].startswith("geolocation=(self), camera=()")
    assert len(answer.headers.get_list("content-security-policy")) == 1


@pytest.mark.parametrize("path", PATHS)
async def test_every_text_says_its_charset(client: httpx.AsyncClient, path: str) -> None:
    answer = await client.get(path, headers=HTML)
    kind = answer.headers.get("content-type", "")

    assert kind or not answer.content
    if answer.content and kind.startswith("text/"):
        assert "charset=utf-8" in kind


@pytest.mark.parametrize("path", PATHS)
async def test_no_answer_lets_another_origin_read_it(client: httpx.AsyncClient, path: str) -> None:
    got = await client.get(path, headers=ORIGIN)
    asked = await client.options(path, headers={**ORIGIN, "access-control-request-method": "POST"})

    for answer in (got, asked):
        assert not [name for name in answer.headers if name.startswith("access-control-")]


@pytest.mark.parametrize("path", ["/account", "/account/sign-in", "/account/forgot"])
async def test_what_is_personal_is_not_kept_by_caches(client: httpx.AsyncClient, path: str) -> None:
    answer = await client.get(path, headers=HTML)

    assert answer.headers.get("cache-control", "") == "no-store" or answer.is_redirect


@pytest.mark.parametrize(
    "origin", ["http://[", "null", "https://evil.example", "http://127.0.0.1.evil.example", "é"]
)
async def test_an_origin_that_is_not_ours_is_refused_in_words(
    client: httpx.AsyncClient, origin: str
) -> None:
    answer = await client.post(
        "/account/sign-in", headers=[(b"origin", origin.encode("latin-1"))], content=b"a=b"
    )

    assert answer.status_code == 403
    assert answer.headers["content-type"].startswith("application/problem+json")
