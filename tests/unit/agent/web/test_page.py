from __future__ import annotations

import re
from dataclasses import replace
from html.parser import HTMLParser

import pytest
from unit.agent.telemetry.status_samples import (
    NOW_MS,
    SAMPLES,
    UNPLUGGED,
    broker_away,
    destination,
    empty,
    hostile,
    one_down,
    rate,
    store,
    well,
)

from agent.telemetry.status import Count, DeviceState
from agent.web import words
from agent.web.devices import devices
from agent.web.flow import flow
from agent.web.headline import devices_line, platform_line, todo_list
from agent.web.page import content, document
from agent.web.view import View

ZH, EN = View("zh", NOW_MS), View("en", NOW_MS)
NOBODY = frozenset()


class Elements(HTMLParser):
    """Collects elements with their attributes, and the text outside of tags."""

    def __init__(self, html):
        super().__init__()
        self.names, self.attributes, self.open, self.text = [], [], [], ""
        self.feed(html)
        self.close()

    def handle_starttag(self, tag, attrs):
        self.names.append(tag)
        self.attributes += attrs
        if tag not in {"meta", "link", "path", "rect"}:
            self.open.append(tag)

    def handle_endtag(self, tag):
        if tag not in {"path", "rect"}:
            assert self.open.pop() == tag

    def handle_startendtag(self, tag, attrs):
        self.names.append(tag)
        self.attributes += attrs

    def handle_data(self, data):
        self.text += data


def text_of(html):
    """Give what a person reads."""
    return Elements(str(html)).text


@pytest.mark.parametrize("language", ["zh", "en"])
@pytest.mark.parametrize("name", SAMPLES)
def test_document_is_well_formed(name, language):
    """Every element is closed where it was opened, and nothing inline or foreign is asked for."""
    page = Elements(document(SAMPLES[name](), language=language, open_devices=NOBODY))
    assert page.open == []
    assert page.names.count("script") == 1
    assert not [name for name, _ in page.attributes if name.startswith("on") or name == "style"]
    for key, value in page.attributes:
        if key in {"href", "src"}:
            assert value.startswith(("/", "#"))


def test_what_machines_send_stays_text():
    """A value, name, unit or reason that looks like a script is shown, not built in."""
    status = hostile()
    page = Elements(document(status, language="zh", open_devices=frozenset({"L1"})))
    assert "img" not in page.names
    assert page.text.count("<script>window.hit=1</script>") > 8
    assert [k for k, _ in page.attributes if k == "onerror"] == []


def test_foreign_ids_are_not_carried_on():
    """Ids in ?open= that are no devices appear nowhere in the page."""
    page = document(well(), language="en", open_devices=frozenset({'"><script>', "L1"}))
    assert "&gt;&lt;script" not in page
    assert 'data-open="L1"' in page


def test_headline_when_all_is_well():
    """One plain sentence for the machines, one for the platform, nothing to do."""
    assert devices_line(well(), ZH) == "7 台设备全部在线"
    assert devices_line(well(), EN) == "All 7 devices are online"
    assert platform_line(well(), ZH) == "数据正常上传平台"
    assert list(todo_list(well(), ZH)) == []


def test_headline_names_the_device_without_data():
    """The device that is down is counted, named, and its own advice is given."""
    assert devices_line(one_down(), ZH) == (
        "6 台在线，1 台无数据：P1 液压机 YH32-315，1 台部分点位异常"
    )
    todos = {todo.subject: todo for todo in todo_list(one_down(), ZH)}
    assert todos["P1 液压机 YH32-315"].text == UNPLUGGED.zh
    assert todos["P1 液压机 YH32-315"].tone == "bad"
    assert todos["L2 数控车床 CK6150"].tone == "warn"


def test_headline_when_the_platform_is_away():
    """The platform's absence is said, and that data are kept; nobody is told to restart."""
    assert platform_line(broker_away(), EN).startswith("The platform cannot be reached")
    (todo,) = todo_list(broker_away(), ZH)
    assert "外网" in todo.text


def test_headline_while_catching_up():
    """A backlog older than a minute is said with its rows and age."""
    status = replace(broker_away(), destinations=(destination(),))
    assert platform_line(status, ZH) == "正在补传：104,331 行待发送，最早的已等 13 小时"


def test_headline_without_devices_says_how_to_add_them():
    """An empty gateway is not called well."""
    assert devices_line(empty(), ZH) == "还没有配置设备"
    assert "agent.yaml" in next(iter(todo_list(empty(), EN))).text
    assert "tone-warn" in content(empty(), language="en", open_devices=NOBODY)


def test_a_broken_account_is_never_shown_as_well():
    """When stored is not the sum of its parts the page turns red and says so."""
    status = replace(well(), store=store(acked=Count(1, 1)))
    assert "tone-bad" in content(status, language="zh", open_devices=NOBODY)
    assert "账不平" in text_of(flow(status, ZH))
    assert "账平" in text_of(flow(well(), ZH))


def test_the_law_is_shown_with_its_numbers():
    """Stored, accepted, refused, dropped and waiting stand there as numbers."""
    lost = store(dropped=Count(5, 50), acked=Count(1_204_314, 18_064_735))
    text = text_of(flow(replace(well(), store=lost), EN))
    for part in ("1,204,331", "1,204,314", "5 rows", "12 rows", "50 values", "announced"):
        assert part in text


@pytest.mark.parametrize("state", DeviceState)
@pytest.mark.parametrize("view", [ZH, EN], ids=["zh", "en"])
def test_every_link_state_has_a_word(state, view):
    """Each state of a device is said in words, in both languages."""
    device = replace(well().devices[0], state=state)
    text = text_of(devices(replace(well(), devices=(device,)), view, NOBODY))
    assert view.say(words.LINK_STATES[state]) in text


def test_each_machine_state_has_colour_sign_and_word():
    """No two of the six states look or read alike."""
    seen = set()
    for state in words.MACHINE_STATES:
        device = replace(well().devices[0], machine_state=state)
        html = str(devices(replace(well(), devices=(device,)), ZH, NOBODY))
        badge = re.search(rf'<span class="state s-{state}">|class="state s-{state}"', html)
        sign = re.search(rf'i-{state}" aria-hidden="true"><path d="([^"]+)"', html)
        assert badge
        assert sign
        assert words.MACHINE_STATES[state].zh in text_of(html)
        seen.add((sign[1], words.MACHINE_STATES[state].zh))
    assert len(seen) == 6


def test_an_unknown_machine_state_is_shown_as_unknown():
    """A state outside the six is never shown as one of them."""
    device = replace(well().devices[0], machine_state="exploded", tags=())
    html = str(devices(replace(well(), devices=(device,)), EN, NOBODY))
    assert "s-unknown" in html
    assert "exploded" not in html


def test_points_are_shown_with_unit_quality_reason_and_age():
    """A bad point shows no number, its quality, the symbol and how old it is."""
    text = text_of(devices(well(), ZH, frozenset({"L1"})))
    assert "2998.7" in text
    assert "r/min" in text
    assert "无效" in text
    assert "无应答 BadNoCommunication" in text
    assert "1 分钟前" in text


def test_a_card_shows_few_points_until_it_is_opened():
    """Closed cards keep the page short and say how many points they hide, and how many fail."""
    closed = text_of(devices(well(), ZH, NOBODY))
    assert "刀号" not in closed
    assert "显示全部 10 个点位，其中 1 个异常" in closed
    opened = str(devices(well(), ZH, frozenset({"L1"})))
    assert text_of(opened).count("刀号") == 1
    assert 'href="/?open=L1,L2#d-L2"' in opened
    assert 'href="/?open=#d-L1"' in opened


def test_the_page_of_many_machines_stays_small():
    """Cards of 200 machines show no points unless opened: the page shares the agent's loop."""
    many = tuple(replace(well().devices[0], id=f"D{i}") for i in range(200))
    status = replace(well(), devices=many)
    closed = str(devices(status, ZH, NOBODY))
    assert "<table" not in closed
    assert closed.count('class="card ') == 200
    assert text_of(devices(status, ZH, frozenset({"D7"}))).count("刀号") == 1


def test_old_data_are_never_called_new():
    """The age shown is counted from the value's own time."""
    text = text_of(devices(one_down(), EN, NOBODY))
    assert "data 12 min ago" in text
    assert "no answer BadNoCommunication" in text


def test_the_rate_shows_both_figures_exactly():
    """Declared and verified stand beside each other as percentage and as fraction."""
    text = text_of(content(well(), language="zh", open_devices=NOBODY))
    for part in ("74.44 %", "67/90", "47.78 %", "43/90", "66.67 %", "6/9", "目标 75 %", "有矛盾"):
        assert part in text


def test_a_rate_that_cannot_be_given_says_why():
    """Without a key process there is no percentage, only the reason."""
    text = text_of(content(empty(), language="en", open_devices=NOBODY))
    assert "cannot be assessed" in text
    assert "no key process" in text
    assert not re.search(r"\d %", text)


def test_no_rate_no_section():
    """An agent without a ledger shows no rate at all."""
    page = content(replace(well(), rate=None), language="zh", open_devices=NOBODY)
    assert "数控化率" not in text_of(page)


def test_half_a_percent_is_rounded_up_from_exact_integers():
    """1/32 is 3.125 %, shown as 3.13 %."""
    status = replace(well(), rate=rate(declared=(1, 32)))
    assert "3.13 %" in text_of(content(status, language="en", open_devices=NOBODY))


def test_every_fixed_text_exists_in_both_languages():
    """No sentence is missing or left in the other language."""
    messages = [
        m for name, value in vars(words).items() if name[0] != "_" for m in _messages(value)
    ]
    assert len(messages) > 80
    for message in messages:
        if message in {words.OTHER_LANGUAGE, words.LIST_COMMA, words.COLON, words.CLAUSE}:
            continue
        assert message.en
        assert not re.search("[一-鿿，。；：]", message.en)
        assert re.search("[一-鿿]", message.zh)
        assert sorted(re.findall(r"{\w*}", message.en)) == sorted(re.findall(r"{\w*}", message.zh))


def _messages(value):
    if isinstance(value, words.Message):
        return [value]
    return list(value.values()) if isinstance(value, dict) else []
