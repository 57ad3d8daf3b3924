"""The table of audiences, the templates and the Chinese catalogue fit together."""

from string import Formatter

from services.notify.audiences import AUDIENCES
from services.notify.templates import TEMPLATES, render
from shared.core.language import translations


def test_every_template_is_used_and_gets_the_fields_it_names() -> None:
    used = {}
    for event, audiences in AUDIENCES.items():
        assert "notify" in event.handled_by
        for _, template, fields in audiences:
            assert set(fields) <= set(event.model_fields)
            used[template] = set(fields)
    assert set(used) == set(TEMPLATES)
    for name, fields in used.items():
        named = {field for _, field, _, _ in Formatter().parse(TEMPLATES[name].text) if field}
        assert named == fields


def test_every_template_is_translated_with_the_same_placeholders() -> None:
    chinese = translations("zh-CN")
    for template in TEMPLATES.values():
        for source in (template.title, template.text):
            translated = chinese.gettext(source)
            assert translated != source
            assert sorted(Formatter().parse(source), key=str) is not None
            placeholders = [
                sorted((f, s) for _, f, s, _ in Formatter().parse(t) if f)
                for t in (source, translated)
            ]
            assert placeholders[0] == placeholders[1]


def test_durations_read_as_hours_and_times_as_local_time() -> None:
    params = {"at": "2026-03-01T01:30:00Z", "minutes": 90}
    assert (
        render(TEMPLATES["checked_out"], params, "en")[1]
        == "You left at 2026-03-01 09:30, after 1.5 h."
    )
    assert (
        render(TEMPLATES["checked_out"], params, "zh-CN")[1]
        == "您于 2026-03-01 09:30 签退,共 1.5 小时。"
    )
