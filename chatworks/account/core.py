"""Where a page may lead next, and what a browser and an act are called. Pure."""

from __future__ import annotations

import re
from urllib.parse import urlsplit

HOME = "/account"
PATH = re.compile(r"/(?![/\\])[A-Za-z0-9/_\-.~?=&%+:]*")
PATH_LENGTH_MAX = 2000  # a consent page names all that a program asks for
# Names that user agents bear, the telling ones first.
BROWSERS = ("Edg", "OPR", "SamsungBrowser", "Firefox", "Chrome", "Safari")
NAMES = {"Edg": "Edge", "OPR": "Opera", "SamsungBrowser": "Samsung Internet"}
SYSTEMS = ("Android", "iPhone", "iPad", "Windows", "Mac OS X", "Linux")
ACTS = {
    "OpenAccount": "The account was opened",
    "SignIn": "Signed in",
    "SignOut": "Signed out",
    "NewDevice": "A new device",
    "ConfirmDevice": "A device was confirmed",
    "ForgetDevice": "A device was forgotten",
    "Prove": "Proved again who you are",
    "SwitchOutlet": "Went over to another outlet",
    "SetPassword": "A password was chosen",
    "ChangePassword": "The password was changed",
    "WrongPassword": "A wrong password",
    "RehashPassword": "The password is kept more safely",
    "RevokeSession": "Signed out somewhere else",
    "RevokeSessions": "Signed out everywhere else",
    "ChangeDetails": "Details were changed",
    "VerifyAddress": "An address was added",
    "RemoveAddress": "An address was removed",
    "ChangeMainAddress": "Another main address",
    "BindChat": "A chat was added",
    "UnbindChat": "A chat was removed",
    "LinkIdentity": "Another service was connected",
    "UnlinkIdentity": "Another service was disconnected",
    "BeginAuthenticator": "Began to set up an authenticator app",
    "SetAuthenticator": "An authenticator app was set up",
    "RemoveAuthenticator": "The authenticator app was removed",
    "AddPasskey": "A passkey was added",
    "RenamePasskey": "A passkey got another name",
    "RemovePasskey": "A passkey was removed",
    "PasskeyCountFell": "A passkey may have been copied, and was not accepted",
    "AskForPasskeys": "Signing in now asks for a passkey, too",
    "StopAskingForPasskeys": "Signing in does not ask for a passkey any more",
    "NewRecoveryCodes": "New recovery codes",
    "UseRecoveryCode": "A recovery code was used",
    "DropRecoveryCodes": "The recovery codes were removed",
    "StepUp": "Confirmed that it is you",
    "Failed": "Something that was shown was not right",
    "BeginRecovery": "Began to ask for the second factor to be removed",
    "ProveRecovery": "A code came back for removing the second factor",
    "StartRecovery": "The second factor is to be removed after a wait",
    "CancelRecovery": "The removal of the second factor was cancelled",
    "GiveUpRecovery": "The removal of the second factor was not pursued",
    "RemoveSecondFactor": "The second factor was removed",
}
METHODS = {
    "password": "with a password",
    "code": "with a code",
    "link": "with a link",
    "chat": "with a chat",
    "passkey": "with a passkey",
    "totp": "with an authenticator app",
    "recovery": "with a recovery code",
    "oidc": "with another service",
    "cli": "with a link of the command line",
}


def own_path(wanted: str) -> str:
    """Return where to go next: a path of ours that was asked for, or the account's home.

    Nothing that a browser could read as another host is taken: no second slash at the start, no
    backslash, no control, no scheme (WHATWG URL, 4.4).
    """
    if len(wanted) > PATH_LENGTH_MAX or not PATH.fullmatch(wanted):
        return HOME
    parts = urlsplit(wanted)
    return HOME if parts.scheme or parts.netloc or ".." in parts.path else wanted


def browser_name(user_agent: str) -> str:
    """Return what people call a browser: ``Firefox, Android``; "" where nothing is known."""
    browser = next((name for name in BROWSERS if f"{name}/" in user_agent), "")
    system = next((name for name in SYSTEMS if name in user_agent), "")
    return ", ".join(filter(None, (NAMES.get(browser, browser), system.replace("Mac OS X", "Mac"))))


def act_name(action: str) -> str:
    """Return what an act on an account is called (in English); its own name where it has none."""
    feature, _, name = action.partition(".")
    return ACTS.get(name, name) if feature else name
