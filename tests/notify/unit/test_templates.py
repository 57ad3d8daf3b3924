"""The table of audiences, the templates and the Chinese catalogue fit together."""

from string import Formatter

from services.notify.audiences import AUDIENCES, draft_alerts
from services.notify.templates import TEMPLATES, render
from shared.core.ids import new_id
from shared.core.language import translations
from shared.messaging.envelope import read_event
from tests.support.receivers import message, voucher


def placeholders(text: str) -> list[tuple[str, str | None]]:
    return sorted((field, format_) for _, field, format_, _ in Formatter().parse(text) if field)


def test_every_template_is_used_and_gets_the_fields_it_names() -> None:
    for audience in AUDIENCES:
        template = TEMPLATES[audience.template]
        assert "notify" in audience.event.handled_by
        assert template.fields <= set(audience.event.model_fields)
        assert template.fields == {field for field, _ in placeholders(template.text)}
        assert not placeholders(template.title)
    assert {audience.template for audience in AUDIENCES} == set(TEMPLATES)


def test_an_alert_carries_the_fields_that_its_text_shows_and_no_others() -> None:
    shen_fang = new_id()
    event = read_event(message(voucher(shen_fang)).body)

    [draft] = draft_alerts([event])

    assert (draft.person_id, draft.template) == (shen_fang, "voucher_issued")
    assert draft.params == {
        "title": "星光影院 Star cinema",
        "expires_at": "2026-12-31T15:59:00Z",
    }


def test_every_template_is_translated_with_the_same_placeholders() -> None:
    chinese = translations("zh-CN")
    for template in TEMPLATES.values():
        for source in (template.title, template.text):
            translated = chinese.gettext(source)
            assert translated != source
            assert placeholders(translated) == placeholders(source)


def test_durations_read_as_hours_and_times_as_local_time() -> None:
    params = {"at": "2026-03-01T01:30:00Z", "minutes": 90}
    _, english = render(TEMPLATES["checked_out"], params, "en")
    _, chinese = render(TEMPLATES["checked_out"], params, "zh-CN")
    assert english == "You left at 2026-03-01 09:30, after 1.5 h."
    assert chinese == "您于 2026-03-01 09:30 签退，共 1.5 小时。"
