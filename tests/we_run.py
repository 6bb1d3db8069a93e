"""Steps as wx.getWeRunData hands them to the mini-program, which hands them on to us."""

import base64
import json
import secrets
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime

from cryptography.hazmat.primitives import padding
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

from backend import clock
from backend.residents.wechat import BLOCK, WE_RUN_ZONE, DaySteps


@dataclass(frozen=True, slots=True)
class EncryptedSteps:
    """What wx.getWeRunData hands to the mini-program: both base64."""

    encrypted_data: str
    iv: str


def encrypt_we_run(session_key: str, *, app_id: str, steps: Iterable[DaySteps], now: datetime) -> EncryptedSteps:
    """Steps as wx.getWeRunData would hand them over at `now`; a day begins at midnight in Beijing."""
    items = [{"timestamp": _midnight(item.day), "step": item.steps} for item in steps]
    watermark = {"timestamp": int(now.timestamp()), "appid": app_id}
    plaintext = json.dumps({"stepInfoList": items, "watermark": watermark}, separators=(",", ":"))
    return encrypt(session_key, plaintext.encode())


def _midnight(day: date) -> int:
    return int(clock.day_bounds(day, zone=WE_RUN_ZONE)[0].timestamp())


def encrypt(session_key: str, plaintext: bytes) -> EncryptedSteps:
    """Any plaintext in the way of WeChat's open data: AES-128-CBC, PKCS#7, a new random vector each time."""
    padder = padding.PKCS7(BLOCK * 8).padder()
    padded = padder.update(plaintext) + padder.finalize()
    vector = secrets.token_bytes(BLOCK)
    encryptor = Cipher(algorithms.AES128(base64.b64decode(session_key)), modes.CBC(vector)).encryptor()
    ciphertext = encryptor.update(padded) + encryptor.finalize()
    return EncryptedSteps(base64.b64encode(ciphertext).decode(), base64.b64encode(vector).decode())
