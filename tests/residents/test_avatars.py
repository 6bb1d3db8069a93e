"""At which addresses an avatar may lie: the rule for what is sent and that for what is shown are one."""

import pytest
from sqlalchemy import text

from backend.database import db
from backend.residents.avatars import may_lie_at, pattern

HOSTS = ("qlogo.cn", "avatars.city.example")


@pytest.mark.parametrize(
    ("address", "may"),
    [
        ("https://thirdwx.qlogo.cn/mmopen/vi_32/abc/132", True),
        ("https://wx.qlogo.cn/a?b=c#d", True),
        ("https://qlogo.cn", True),
        ("HTTPS://WX.QLOGO.CN/a", True),
        ("https://avatars.city.example/7.png", True),
        ("http://wx.qlogo.cn/a", False),
        ("https://evil.example/x.png", False),
        ("https://city.example/7.png", False),
        ("https://evilqlogo.cn/a", False),
        ("https://wx.qlogo.cn.evil.example/a", False),
        ("https://qlogoxcn/a", False),
        ("https://evil.example/wx.qlogo.cn/a", False),
        ("https://evil.example?.qlogo.cn/a", False),
        ("https://evil.example#.qlogo.cn/a", False),
        ("https://evil.example\\.qlogo.cn/a", False),
        ("https://evil.example\\@wx.qlogo.cn/a", False),
        ("https://me@wx.qlogo.cn/a", False),
        ("https://wx.qlogo.cn@evil.example/a", False),
        ("https://wx.qlogo.cn:8443/a", False),
        ("//wx.qlogo.cn/a", False),
        (" https://wx.qlogo.cn/a", False),
        ("javascript:alert('https://wx.qlogo.cn/')", False),
        ("", False),
    ],
)
def test_an_avatar_lies_at_a_host_that_is_named_or_below_it(app, address, may):
    assert may_lie_at(address, hosts=HOSTS) is may
    shown = db.session.scalar(text("SELECT :address ~* :pattern"), {"address": address, "pattern": pattern(HOSTS)})
    assert shown is may


@pytest.mark.parametrize("address", ["https://wx.qlogo.cn/a b", "https://wx.qlogo.cn/a\n"])
def test_what_cannot_be_printed_is_no_address(address):
    assert not may_lie_at(address, hosts=HOSTS)
