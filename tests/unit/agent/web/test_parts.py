from __future__ import annotations

import json
from dataclasses import replace

import pytest
from unit.agent.telemetry.status_samples import NOW_MS, broker_away, hostile, two_destinations, well
from unit.agent.telemetry.status_samples import tag as point

from agent.web import api, figures
from agent.web.language import choose
from agent.web.markup import Markup, join, tag
from agent.web.messages import Request, host_allowed, parse_target
from agent.web.page import content
from agent.web.routes import ROUTES, Source, answer


@pytest.mark.parametrize(
    ("host", "allowed"),
    [
        (None, True),
        ("localhost", True),
        ("LOCALHOST:8642", True),
        ("192.168.1.9:8642", True),
        ("[fe80::1]:8642", True),
        ("gateway.plant", True),
        ("evil.example", False),
        ("", False),
        ("localhost.evil.example", False),
        ("127.0.0.1.nip.io", False),
        ("2130706433", False),
    ],
)
def test_only_own_names_and_addresses_are_hosts(host, allowed):
    """A browser reaches us by address, localhost or a configured name, by nothing else."""
    assert host_allowed(host, ["Gateway.Plant"]) is allowed


def test_targets_are_split_and_never_decoded():
    """The path is compared as sent; a query with too many fields is unreadable."""
    assert parse_target("/a%2fb?x=1&y=%E4%B8%AD") == ("/a%2fb", {"x": "1", "y": "中"})
    assert parse_target("http://host/healthz") == ("/healthz", {})
    assert parse_target("/?" + "&".join(f"a{i}=1" for i in range(50))) == ("", {})
    assert parse_target("http://[broken/") == ("", {})


@pytest.mark.parametrize(
    ("query", "cookie", "header", "language"),
    [
        ("en", "lang=zh", "zh-CN", "en"),
        ("", "x=1; lang=en", "zh-CN", "en"),
        ("", "", "en-GB,en;q=0.9,zh;q=0.8", "en"),
        ("", "", "de, en;q=0.4, zh-CN;q=0.7", "zh"),
        ("", "", "de", "zh"),
        ("", "", "en;q=0", "zh"),
        ("", "", "en;q=x", "zh"),
        ("<script>", "lang=../", "", "zh"),
    ],
)
def test_language_is_chosen_by_query_cookie_browser_gateway(query, cookie, header, language):
    """The first of the four that names one of our languages wins; the gateway's is zh here."""
    headers = {"cookie": cookie, "accept-language": header}
    assert choose(Request("GET", "/", {"lang": query}, headers), "zh") == language


def test_a_language_chosen_by_hand_is_remembered():
    """?lang= sets a cookie; a browser's preference does not."""
    source = Source(well, tuple)
    chosen = answer(Request("GET", "/", {"lang": "en"}), source)
    assert any(k == "Set-Cookie" and v.startswith("lang=en;") for k, v in chosen.headers)
    assert b'lang="en"' in chosen.body
    browser = answer(Request("GET", "/", {}, {"accept-language": "en"}), source)
    assert not any(k == "Set-Cookie" for k, _ in browser.headers)
    assert b'lang="en"' in browser.body


def test_every_route_answers():
    """Each path of the table gives 200 and a body for a healthy agent."""
    for path in ROUTES:
        response = answer(Request("GET", path), Source(well, tuple))
        assert (response.status, bool(response.body)) == (200, True), path


def test_markup_escapes_text_and_attributes():
    """Only what `tag` made is HTML; text and attribute values are escaped."""
    inner = tag("b", "<i>&")
    assert tag("p", inner, "a<b", None, title='"x"', hidden=True, lang=None) == (
        '<p title="&quot;x&quot;" hidden><b>&lt;i&gt;&amp;</b>a&lt;b</p>'
    )
    assert join(("<", Markup("<br>"))) == "&lt;<br>"


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, "—"),
        (True, "是"),
        (0, "0"),
        (-0.0, "-0"),
        (2998.7000000000003, "2998.7"),
        (850.0, "850"),
        (1e-9, "1e-09"),
        (1.5e300, "1.5e+300"),
        (float("nan"), "nan"),
        (float("inf"), "inf"),
        (2**70, "1180591620717411303424"),
        (b"\x00\xff", "00ff"),
        ("x" * 81, "x" * 80 + "…"),
    ],
)
def test_values_are_shown_without_lying(value, text):
    """Noise of binary floats goes, small and huge numbers stay what they are."""
    assert figures.value_text(value, "zh") == text


@pytest.mark.parametrize(
    ("then_ms", "zh", "en"),
    [
        (None, "从未", "never"),
        (NOW_MS, "刚刚", "just now"),
        (NOW_MS - 59_999, "59 秒前", "59 s ago"),
        (NOW_MS - 60_000, "1 分钟前", "1 min ago"),
        (NOW_MS - 13 * 3_600_000, "13 小时前", "13 h ago"),
        (NOW_MS - 9 * 86_400_000, "9 天前", "9 d ago"),
        (NOW_MS + 5_000, "比网关快 5 秒", "5 s ahead of the gateway"),
    ],
)
def test_ages_are_said_in_the_largest_whole_unit(then_ms, zh, en):
    """A time ahead of the gateway is said to be ahead, not new."""
    assert figures.age(NOW_MS, then_ms, "zh") == zh
    assert figures.age(NOW_MS, then_ms, "en") == en


def test_status_json_is_the_snapshot():
    """Every field of the snapshot is in the JSON, with the verdict on the law."""
    document = json.loads(api.status_json(broker_away()))
    assert document["store"]["balanced"] is True
    assert document["store"]["waiting"] == {"rows": 104_331, "values": 1_564_965}
    assert document["devices"][0]["tags"][2]["value"] == 2998.7000000000003
    assert document["devices"][0]["state"] == "online"
    assert document["rate"]["declared"] == [67, 90]


def test_status_json_carries_what_json_cannot():
    """Huge integers become strings, bytes hexadecimal, NaN null; nothing is rounded."""
    device = replace(
        well().devices[0],
        tags=(point("a", 2**53), point("b", b"\xff"), point("c", float("nan")), point("d", True)),
    )
    document = json.loads(api.status_json(replace(well(), devices=(device,))))
    values = [tag["value"] for tag in document["devices"][0]["tags"]]
    assert values == ["9007199254740992", "ff", None, True]
    assert json.loads(api.status_json(hostile()))["devices"][0]["tags"][3]["value"] == str(2**70)


def test_rate_json_is_null_without_a_rate():
    """No rate is `null`, not an empty object."""
    assert api.rate_json(None) == b"null"
    assert json.loads(api.rate_json(well().rate))["verified"] == [43, 90]


@pytest.mark.parametrize(
    ("language", "identity", "line", "refused"),
    [
        (
            "zh",
            "设备自报：示例仪表 DTSD-1352、出厂编号 2405-0093、固件 V1.06",
            "modbus://192.168.10.60:502 · 同一线路共 3 台",
            "设备拒绝了 1 个地址：hr:40。",
        ),
        (
            "en",
            "Says it is 示例仪表 DTSD-1352, serial no. 2405-0093, firmware V1.06",
            "modbus://192.168.10.60:502 · one of 3 on this line",
            "Refused by the device (1): hr:40.",
        ),
    ],
)
def test_a_machine_says_who_it_is_and_what_it_refuses(language, identity, line, refused):
    """A card shows what the device says of itself, its line, and the addresses it refuses."""
    page = str(content(well(), language=language, open_devices=frozenset()))
    meter = page[page.index('id="d-L5-METER"') :]
    assert identity in meter
    assert line in meter
    assert refused in meter
    before = page[: page.index('id="d-L5-METER"')]
    assert "DTSD" not in before


def test_the_snapshot_carries_who_a_device_is():
    """Programs get the identity as the device gave it, and the addresses of the points."""
    devices = json.loads(api.status_json(well()))["devices"]
    meter = next(d for d in devices if d["id"] == "L5-METER")
    assert meter["identity"]["serial"] == "2405-0093"
    assert meter["on_line"] == 3
    assert meter["tags"][0]["address"] == "hr:40"


@pytest.mark.parametrize(("language", "words"), [
    ("en", ("cloud cannot be reached", "40 000 rows wait", "gone before one destination",
            "37 rows received by the broker", "best effort")),
    ("zh", ("cloud 连不上", "40 000 行待发送", "个别上报目标未及取走",
            "37 行已到服务器", "尽力上报")),
])  # fmt: skip
def test_each_destination_is_shown_with_its_own_rows(language, words):
    """With several destinations each has its name, its state and its own account."""
    shown = str(content(two_destinations(), language=language, open_devices=frozenset()))
    shown = shown.replace("\u202f", " ").replace("\u00a0", " ").replace(",", " ")
    for word in words:
        assert word.replace(",", " ") in shown
    document = json.loads(api.status_json(two_destinations()))
    assert [d["rows"]["balanced"] for d in document["destinations"]] == [True, True]
    assert document["destinations"][1]["rows"]["causes"]["behind"]["rows"] == 60_000
    assert json.loads(api.status_json(well()))["destinations"][0]["rows"] is None
