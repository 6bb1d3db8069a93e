"""What residents send to sign in and about themselves, and the places they choose from."""

from flask_babel import gettext
from marshmallow import Schema, ValidationError, fields

from backend import present
from backend.residents import avatars
from backend.web.paging import PageQuerySchema
from backend.web.schemas import Flag, Text

CODE = 64


def _is_avatar(address: str) -> None:
    hosts = present.settings().avatar_hosts
    if not avatars.may_lie_at(address, hosts=hosts):
        cure = gettext("Give an https:// address at one of these hosts, or at a name below: %(hosts)s.")
        raise ValidationError(cure % {"hosts": ", ".join(hosts)})


def _is_printable(text: str) -> None:
    if not text.isprintable() or text != text.strip():
        raise ValidationError(gettext("Leave out line breaks, control characters and spaces at either end."))


class SignInSchema(Schema):
    """What wx.login gave the mini-program."""

    code = Text(
        required=True,
        shortest=1,
        longest=256,
        metadata={
            "description": "The code of wx.login; where WeChat is simulated, dev-<name>",
            "example": "dev-lin",
        },
    )


class ChangesSchema(Schema):
    """What to change of oneself; what is left out stays."""

    nickname = Text(longest=32, validate=[_is_printable], metadata={"example": "Lin"})
    avatar_url = Text(
        longest=500,
        allow_none=True,
        validate=[_is_avatar],
        metadata={"example": "https://thirdwx.qlogo.cn/lin.png", "description": "As WeChat gives it, with https://"},
    )
    district = Text(
        shortest=1,
        longest=CODE,
        allow_none=True,
        metadata={"description": "Code of a district of GET /areas; a change of it lets go of the community"},
    )
    community = Text(
        shortest=1,
        longest=CODE,
        allow_none=True,
        metadata={"description": "Code of a community in that district; sets the district where there is none"},
    )
    leaderboard_consent = Flag(metadata={"description": "Show my nickname and avatar on leaderboards"})


class AreasQuerySchema(PageQuerySchema):
    """Which places."""

    district = Text(
        shortest=1,
        longest=CODE,
        metadata={"description": "Code of a district: its communities. Left out: the districts"},
    )


class AreaSchema(Schema):
    """A district or a community."""

    code = fields.String(required=True)
    kind = fields.String(required=True, metadata={"enum": ["district", "community"]})
    title = fields.String(required=True, metadata={"description": "In the caller's language"})
