"""What our rules find (the line above says which) and what they let pass: all else."""

import asyncio
import datetime
import hashlib
import hmac
import os
import pickle
import random
import ssl
import subprocess
import time
import uuid

import jinja2
import litestar.datastructures
import markupsafe
import yaml

# finds: xml-parser
import xml.etree.ElementTree


# finds: sql-outside-of-stores
query = "SELECT id FROM account"
sentence = "Select what you want"


async def rows(conn, table):
    # finds: sql-put-together
    await conn.execute(f"{table} x")
    await conn.execute(QUERIES["rows"], {"table": table})


# finds: delete-outside-of-stores
removal = """delete from account"""
said = "Delete this message"


def compared(row, given, digest):
    # finds: secret-compared-with-equals
    if row.secret == given:
        return True
    # finds: secret-compared-on-the-right
    if given == row.token:
        return True
    if row.secret == "":
        return False
    return hmac.compare_digest(digest, given)


# finds: post-with-a-right-to-read
@post("/orders", needs="orders.read")
async def wrong():
    # finds: printed
    print("done")


@post("/orders", needs="orders.write")
async def right():
    # finds: personal-field-in-a-log
    log.info("a person came", email="a@b")
    log.info("a person came", account_id="1")


def moments(work):
    # finds: time-or-chance-outside-of-the-clock
    one = datetime.datetime.now()
    # finds: time-or-chance-outside-of-the-clock
    two = time.time()
    # finds: time-or-chance-outside-of-the-clock
    three = uuid.uuid4()
    # finds: time-or-chance-outside-of-the-clock
    four = random.random()
    return one, two, three, four, work.now, time.monotonic()


def commands(name):
    # finds: shell
    subprocess.run(name, shell=True)
    # finds: shell
    os.system(name)
    subprocess.run(["ls", name], check=True)


def readings(raw):
    # finds: unsafe-deserialisation
    pickle.loads(raw)
    # finds: unsafe-deserialisation
    yaml.load(raw)
    yaml.safe_load(raw)


def texts(text):
    # finds: code-from-text
    eval(text)
    # finds: markup-from-a-value
    shown = markupsafe.Markup(text)
    # finds: template-from-text
    jinja2.Template(text)
    # finds: autoescape-off
    jinja2.Environment(autoescape=False)
    jinja2.Environment(autoescape=True)
    return shown, markupsafe.Markup("<br>"), markupsafe.escape(text)


async def leads(request, form):
    # finds: open-redirect
    yield Redirect(request.query_params.get("next", ""))
    # finds: open-redirect
    yield Redirect(form["next"], status_code=303)
    yield Redirect(own_path(form["next"]), status_code=303)


def cookies(response):
    # finds: cookie-without-its-class
    response.set_cookie("a", "b")
    # finds: cookie-without-its-class
    litestar.datastructures.Cookie(key="a")
    return SecretCookie("a", "https://a")


def connections(fetch, context):
    # finds: tls-not-verified
    fetch("https://a", verify=False)
    # finds: tls-not-verified
    context.verify_mode = ssl.CERT_NONE
    fetch("https://a")


async def care(people):
    # finds: bare-except
    try:
        await one()
    except:
        pass
    try:
        await one()
    except ValueError:
        pass
    # finds: gather-without-bound
    await asyncio.gather(*[one(person) for person in people])
    await asyncio.gather(one(1), one(2))


def hashes(raw):
    # finds: weak-hash
    hashlib.md5(raw)
    return hashlib.sha256(raw)
