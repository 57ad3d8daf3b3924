"""What codes of the services are called on a page, in English; the catalogue has the Chinese."""

from flask import g

from shared.language import translate

WORDS = {
    "label": {"待认领": "waiting for somebody", "已认领": "somebody is on it", "已完成": "came true"},
    "wish": {"submitted": "to be verified", "verified": "to be published", "rejected": "rejected",
             "withdrawn": "withdrawn", "expired": "nobody found in time"},
    "voucher": {"issued": "ready to use", "held": "reserved at the venue", "redeemed": "used",
                "settled": "used", "expired": "too late", "voided": "taken back", "given": "given on"},
    "sign_up": {"confirmed": "you have a seat", "waitlisted": "you are on the waiting list",
                "offered": "a seat is offered to you"},
    "outcome": {
        "redeemable": "This voucher can be redeemed.",
        "redeemed": "Redeemed. Please let the guest in.",
        "already_redeemed": "This voucher was used before.",
        "held_elsewhere": "This voucher is reserved elsewhere.",
        "expired": "The last day of this voucher has passed.",
        "voided": "This voucher was taken back.",
        "unknown": "This code is not known here. Check what was typed.",
        "reversed": "This redemption was taken back.",
        "already_settled": "This redemption is already on a statement.",
    },
    "reason": {"not_a_wish": "not a wish", "duplicate": "hung twice", "cash_or_medical": "money or medical costs",
               "unsafe": "not safe", "no_consent": "consent is missing", "other": "another reason"},
    "kind": {"service": "service", "training": "training", "salon": "salon", "event": "event"},
    "category": {
        "goods": "things", "books": "books", "company": "company", "companionship": "company", "repair": "repairs",
        "study": "learning", "learning": "learning", "health": "health", "elderly": "for the elderly",
        "elder_care": "for the elderly", "children": "for children", "environment": "environment",
        "community": "neighbourhood", "culture": "culture", "transport": "getting around", "household": "household",
        "outing": "going out", "service": "service", "technology": "phones and computers",
    },
    "service": {"registration": "registration", "wishes": "wishes", "rewards": "rewards", "notify": "messages"},
}  # fmt: skip


def word(kind: str, code: str | None) -> str:
    """What a code is called in the language of the page; a code without a word stands for itself."""
    if not code:
        return ""
    return translate(WORDS[kind].get(code, code.replace("_", " ")), g.language)
