"""What codes of the services are called on a page, in English; the catalogue has the Chinese."""

from flask import g

from shared.core.language import translate

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
        "held": "This voucher is held for you.",
        "released": "The voucher is free again.",
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
    "choice": {"issue": "turn them into vouchers by themselves", "save": "save them",
               "give_on": "leave vouchers to the pool"},
    "need": {"low_income": "low income", "disability": "disability", "elderly": "great age",
             "child": "a child in difficulty", "carer": "caring for somebody", "other": "another need"},
    "request": {"waiting": "waits", "granted": "got one", "withdrawn": "withdrawn"},
    "handover": {"gift": "given to a person", "donation": "left to the pool", "allocation": "handed out of the pool",
                 "wish": "for a wish", "return": "went back to the pool", "reissue": "got a new code"},
    "origin": {"earned": "earned", "exchanged": "exchanged", "gift": "received", "sandbox": "to practise"},
    "entry": {
        "earned": "service hours", "corrected": "corrected hours", "owed": "carried over",
        "repaid": "paid what was carried",
        "forfeited": "given up on leaving", "forgiven": "forgiven", "merged": "accounts joined",
        "merged_held": "accounts joined", "merged_owed": "accounts joined", "backordered": "waits for a voucher",
        "released": "no longer waits", "issued": "became a voucher", "redeemed": "used", "reversed": "use taken back",
        "expired": "voucher ran out", "voided": "voucher taken back", "donated": "left to the pool",
        "given": "given to the pool", "allocated": "handed out of the pool", "lapsed": "too old",
        "adjusted": "new rules",
        "settled": "settled", "reopened": "settlement reopened", "sandbox": "to practise",
    },
    "rule": {"earn": "What minutes earn", "coefficient": "Coefficient of a category", "issue": "What points turn into",
             "expire": "When points lapse", "limit": "Limit per person", "budget": "Budget of a month"},
    "period": {"day": "day", "week": "week", "month": "month", "year": "year"},
    "venue": {"active": "takes part", "suspended": "suspended"},
    "secret": {"api_key": "key for the counter", "webhook": "secret for webhooks"},
    "scope": {"vouchers:check": "check codes", "vouchers:hold": "hold vouchers", "vouchers:redeem": "redeem vouchers",
              "statements": "see and send statements"},
    "month": {"open": "preview, not closed", "closed": "closed", "carried": "taken over by a later month"},
    "channel": {"counter": "counter", "webhook": "webhook"},
    "difference": {
        "missing_at_venue": "not on the venue's list", "missing_here": "not in our books", "doubled": "listed twice",
        "other_month": "in another month", "other_amount": "another sum", "other_day": "another day",
        "reversed_here": "taken back with us",
    },
    "dispute": {"open": "to be decided", "accepted": "accepted", "rejected": "rejected",
                "lapsed": "not decided in time"},
    "case": {"unknown": "unknown code", "expired": "after its last day", "voided": "taken back before",
             "already_redeemed": "used before", "held_elsewhere": "reserved elsewhere",
             "already_settled": "settled before", "missing_here": "not in our books"},
    "flaw": {"altered": "An entry was altered.", "missing": "An entry is missing.",
             "added": "An entry was added behind the seal.", "seal_altered": "A seal was altered or is missing.",
             "seal_missing": "A seal was altered or is missing.", "tail_cut": "The end of the journal was cut off.",
             "balance": "A balance does not fit the journal.", "book": "A balance does not fit the journal."},
    "book": {"volunteer": "volunteers", "held": "put aside", "owed": "carried shortfalls", "product": "vouchers out",
             "pool": "pool of vouchers", "venue": "venues", "outside": "outside"},
    "step": {"product": "it offers something", "api_key": "a key for its counter", "active": "it takes part",
             "webhook_secret": "a secret for webhooks, if its till reports by itself",
             "practised": "its sandbox has redeemed a voucher"},
    "run": {"running": "under way", "done": "done"},
}  # fmt: skip

DONE = {
    "verify": "The wish is verified.", "reject": "The wish is rejected.", "publish": "The wish hangs on the tree.",
    "confirm": "The wish is confirmed.", "approve": "The record counts now.",
    "choice-kept": "From now on it is done like this.",
    "given-to-pool": "Thank you. The voucher lies in the pool now; its old code is dead.",
    "given-to-person": "The voucher is given on; its old code is dead.",
    "exchanged": "Exchanged. Your voucher is here.", "waits": "You are in the queue. The points are put aside.",
    "request-made": "Your request waits. Whoever received least comes first.",
    "request-withdrawn": "The request is withdrawn.",
    "rule-added": "The rule counts from now on.", "rule-ended": "The rule has ended.",
    "product-added": "The product is there. An issue rule makes it available.", "stock-set": "The stock is set.",
    "terms-set": "The terms are changed.",
    "venue-added": "The venue is there. The list says what comes next.", "secret-ended": "The key no longer works.",
    "venue-suspended": "The venue is suspended.", "venue-active": "The venue takes part again.",
    "month-closed": "The month is closed.", "month-reopened": "The month is open again.",
    "case-opened": "The case is open and waits for a decision.", "case-decided": "The case is decided.",
    "list-taken": "The list is taken in and compared.",
    "pool-allocated": "What could be handed out is handed out.", "wish-granted": "The pool grants the wish.",
    "voucher-voided": "The voucher is taken back.",
    "voucher-reissued": "The holder has a new code; the old one is dead.",
}  # fmt: skip
"""What a page says after a form did something."""


def said(code: str | None) -> str:
    """The sentence for `?done=`; nothing for what is not one of ours."""
    return translate(DONE[code], g.language) if code in DONE else ""


def word(kind: str, code: str | None) -> str:
    """What a code is called in the language of the page; a code without a word stands for itself."""
    if not code:
        return ""
    return translate(WORDS[kind].get(code, code.replace("_", " ")), g.language)
