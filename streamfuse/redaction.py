"""Credentials never leave the process: every URL passes through here before it is shown."""

import re

_URL = re.compile(r"[a-zA-Z][a-zA-Z0-9+.-]*://(?:[^\s<>]*@)?[^\s'\"<>]+")
# Up to the last @, whatever is in between: a password may hold # / ? and quotes unescaped, and hiding too much is the better mistake.
_USERINFO = re.compile(r"(?<=://)[^\s<>]*@")
_NAME = r"(?:(?:pas|pwd|token|secret|auth|user|usr|login)[\w.-]*|key)="  # or the end of one: access_token, api_key, loginpas
_NEXT_IN_PATH = r"_(?:user|password|channel|stream)="  # as in rtsp://HOST/user=U_password=P_channel=1_stream=0.sdp
_SECRET_PARAMETER = re.compile(rf"(?i)({_NAME})(?:(?!{_NEXT_IN_PATH})[^&\s])*")
HIDDEN = "***"


def redacted(text: str) -> str:
    """`text` with the user, password and secret query parameters of every URL in it hidden."""
    return _URL.sub(lambda match: _SECRET_PARAMETER.sub(rf"\1{HIDDEN}", _USERINFO.sub(f"{HIDDEN}@", match.group())), text)
