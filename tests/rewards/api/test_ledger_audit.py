"""The seal on the journal and its audit: whoever rewrites the past is found out, and nobody waits
for the sealer.
"""

import hashlib
import itertools
import json
import struct
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from uuid import UUID

import pytest
from click.testing import CliRunner
from sqlalchemy import Connection, create_engine, text
from sqlalchemy.exc import ProgrammingError

from console.main import main
from services.rewards.app import SERVICE
from services.rewards.ledger import audit, balances, journal, seal
from services.rewards.models import Transfer, TransferKind
from shared.contracts.registration import VolunteerMerged
from shared.core.ids import new_id
from shared.service.migrate import migrate
from tests.support.at_once import at_once
from tests.support.bank import Bank, Venue

JOURNALS = (
    "transfers",
    "seals",
    "exported_heads",
    "pending_transfers",
    "pending_resolutions",
    "handovers",
)


@contextmanager
def as_owner(bank: Bank) -> Iterator[Connection]:
    """Somebody with the owner's password: what the application may not do, they can."""
    url = bank.district.env["WISHTREE_OWNER_DATABASE_URL"].replace(
        "postgresql://", "postgresql+psycopg://", 1
    )
    engine = create_engine(url, connect_args={"options": "-csearch_path=rewards,public"})
    with engine.begin() as connection:
        yield connection
    engine.dispose()


def tamper(bank: Bank, statement: str, **parameters: Any) -> None:
    with as_owner(bank) as owner:
        assert owner.execute(text(statement), parameters).rowcount > 0


def seal_all(bank: Bank, limit: int = 3) -> int:
    """Seal all there is, in small seals. The server's own housekeeping may hold it up for a
    moment.
    """
    for _ in range(100):
        sealed = limit
        while sealed:
            with bank.rewards.session() as session:
                sealed = seal.seal_batch(session, limit)
        entries = int(bank.rows("SELECT coalesce(sum(count), 0) FROM seals")[0][0])
        if entries == bank.count("transfers"):
            return entries
        time.sleep(0.05)
    raise AssertionError("the journal does not get sealed")


def found(bank: Bank, head: audit.Head | None = None, **options: Any) -> audit.Finding | None:
    with bank.rewards.session() as session:
        return audit.check_chain(session, head=head, **options).finding


def head_of(bank: Bank) -> audit.Head:
    with bank.rewards.session() as session:
        newest = seal.newest_seal(session)
        assert newest is not None
        return audit.Head(newest.number, newest.hash)


def export(bank: Bank) -> bool:
    with bank.rewards.session() as session:
        return seal.export_head(session) is not None


@pytest.fixture
def sealed(bank: Bank, star: Venue) -> Bank:
    """Ten transfers of 沈芳 in four seals of three."""
    for minutes in range(1, 11):
        bank.receive(bank.hours(bank.fang, minutes))
    assert seal_all(bank) == 10
    return bank


def ids(bank: Bank) -> list[UUID]:
    """Transfers in the order they were sealed in."""
    return [row[0] for row in bank.rows("SELECT id FROM transfers ORDER BY txid, id")]


def test_a_journal_nobody_touched_is_sound(sealed: Bank) -> None:
    assert sealed.rows("SELECT number, count FROM seals ORDER BY 1") == [
        (1, 3),
        (2, 3),
        (3, 3),
        (4, 1),
    ]
    export(sealed)
    assert found(sealed) is None
    assert found(sealed, head_of(sealed)) is None
    with sealed.rewards.session() as session:
        assert balances.check_accounts(session).finding is None
        assert balances.check_books(session) is None


def test_sealing_again_seals_nothing_twice(sealed: Bank) -> None:
    with sealed.rewards.session() as session:
        assert seal.seal_batch(session) == 0
    assert sealed.count("seals") == 4


@pytest.mark.parametrize("column", [c for c in seal.SEALED_COLUMNS if c != "id"])
def test_a_changed_transfer_is_named_whatever_was_changed(sealed: Bank, column: str) -> None:
    value = {
        "amount": "amount + 1",
        "kind": "'voided'",
        "created_at": "created_at + interval '1 microsecond'",
        "rule_version": "rule_version + 1",
        "actor": "actor || 'x'",
        "debit_account": "debit_account || 'x'",
        "credit_account": "credit_account || 'x'",
    }.get(column, "gen_random_uuid()")
    fifth = ids(sealed)[4]
    tamper(sealed, f"UPDATE transfers SET {column} = {value} WHERE id = :id", id=fifth)
    finding = found(sealed)
    assert finding is not None
    assert (finding.kind, finding.seal, finding.transfer_id) == (audit.Flaw.ALTERED, 2, fifth)


def test_the_first_of_several_is_named(sealed: Bank) -> None:
    third, _, fifth = ids(sealed)[2:5]
    tamper(sealed, "UPDATE transfers SET amount = 99 WHERE id IN (:a, :b)", a=third, b=fifth)
    finding = found(sealed)
    assert finding is not None and finding.transfer_id == third


def test_a_transfer_with_another_place_in_the_order_is_named(sealed: Bank) -> None:
    for moved, txid in ((ids(sealed)[1], "3"), (ids(sealed)[7], "4000000000")):
        (before,) = sealed.rows(
            "SELECT CAST(txid AS text) FROM transfers WHERE id = :id", id=moved
        )[0]
        tamper(
            sealed,
            "UPDATE transfers SET txid = CAST(:txid AS xid8) WHERE id = :id",
            id=moved,
            txid=txid,
        )
        finding = found(sealed)
        assert finding is not None
        assert (finding.kind, finding.transfer_id) == (audit.Flaw.ALTERED, moved)
        tamper(
            sealed,
            "UPDATE transfers SET txid = CAST(:txid AS xid8) WHERE id = :id",
            id=moved,
            txid=before,
        )


@pytest.mark.parametrize("place", range(10))
def test_a_deleted_transfer_is_named(sealed: Bank, place: int) -> None:
    gone = ids(sealed)[place]
    tamper(sealed, "DELETE FROM transfers WHERE id = :id", id=gone)
    finding = found(sealed)
    assert finding is not None
    assert (finding.kind, finding.seal, finding.transfer_id) == (
        audit.Flaw.MISSING,
        place // 3 + 1,
        gone,
    )


@pytest.mark.parametrize("place", range(10))
def test_a_transfer_put_in_behind_the_head_is_named(sealed: Bank, place: int) -> None:
    forged, beside = new_id(), ids(sealed)[place]
    columns = ", ".join(
        c.name for c in Transfer.__table__.columns if c.name not in ("id", "cause_id")
    )
    tamper(
        sealed,
        f"INSERT INTO transfers (id, cause_id, {columns})"
        f" SELECT :forged, :forged, {columns} FROM transfers"
        " WHERE id = :beside",
        forged=UUID(int=beside.int - 1),
        beside=beside,
    )
    finding = found(sealed)
    assert finding is not None and forged != beside
    assert (finding.kind, finding.seal, finding.transfer_id) == (
        audit.Flaw.ADDED,
        place // 3 + 1,
        UUID(int=beside.int - 1),
    )


def test_a_transfer_that_only_looks_old_stays_unsealed_and_is_named(sealed: Bank) -> None:
    """With a transaction id of before, the sealer has passed it."""
    tamper(
        sealed,
        "INSERT INTO transfers"
        " (id, debit_account, credit_account, amount, kind, cause_id, actor, txid)"
        " VALUES (:id, 'outside', 'venue:x', 5, 'redeemed', :id, 'x', '3')",
        id=new_id(),
    )
    with sealed.rewards.session() as session:
        assert seal.seal_batch(session) == 0
    finding = found(sealed)
    assert finding is not None and (finding.kind, finding.seal) == (audit.Flaw.ADDED, 1)


@pytest.mark.parametrize(
    "change",
    [
        "count = count + 1",
        "last_txid = CAST('4000000000' AS xid8)",
        "last_id = gen_random_uuid()",
        "entries = set_byte(entries, 20, 255 - get_byte(entries, 20))",
        "hash = sha256(hash)",
        "previous_hash = sha256(previous_hash)",
        "entries = substr(entries, 1, 96)",
        "entries = ''",
    ],
)
def test_a_changed_seal_is_named(sealed: Bank, change: str) -> None:
    tamper(sealed, f"UPDATE seals SET {change} WHERE number = 2")
    finding = found(sealed)
    assert finding is not None and (finding.kind, finding.seal) == (audit.Flaw.SEAL_ALTERED, 2)


@pytest.mark.parametrize("number", [1, 2, 3])
def test_a_missing_seal_is_named(sealed: Bank, number: int) -> None:
    tamper(sealed, "DELETE FROM seals WHERE number = :number", number=number)
    finding = found(sealed)
    assert finding is not None and (finding.kind, finding.seal) == (audit.Flaw.SEAL_MISSING, number)


def cut_tail(bank: Bank) -> None:
    """The last four transfers, and their two seals."""
    last = ids(bank)[6:]
    tamper(bank, "DELETE FROM transfers WHERE id = ANY(:ids)", ids=last)
    tamper(bank, "DELETE FROM seals WHERE number > 2")


def test_a_cut_tail_is_noticed_by_the_exported_head(sealed: Bank) -> None:
    export(sealed)
    cut_tail(sealed)
    finding = found(sealed)
    assert finding is not None and (finding.kind, finding.seal) == (audit.Flaw.TAIL_CUT, 4)


def test_a_cut_tail_is_noticed_by_a_head_kept_outside_also_without_the_exported_ones(
    sealed: Bank,
) -> None:
    kept = head_of(sealed)
    cut_tail(sealed)
    assert found(sealed) is None
    finding = found(sealed, kept)
    assert finding is not None and (finding.kind, finding.seal) == (audit.Flaw.TAIL_CUT, 4)


def test_a_chain_written_anew_does_not_lead_to_the_exported_head(sealed: Bank) -> None:
    export(sealed)
    tamper(sealed, "UPDATE transfers SET amount = amount + 1")
    tamper(sealed, "DELETE FROM seals")
    seal_all(sealed)
    finding = found(sealed)
    assert finding is not None and (finding.kind, finding.seal) == (audit.Flaw.TAIL_CUT, 4)


@pytest.mark.check("M5")
@pytest.mark.parametrize(
    ("change", "account"),
    [
        ("points_available = points_available + 1", "volunteer"),
        ("points_held = 1", "held"),
        ("shortfall = 1", "owed"),
    ],
)
def test_an_account_that_holds_something_else_is_named(
    sealed: Bank, change: str, account: str
) -> None:
    sealed.receive(sealed.hours(sealed.qiang, 5))
    with sealed.rewards.session() as session:
        session.execute(
            text(f"UPDATE accounts SET {change} WHERE volunteer_id = :id"), {"id": sealed.qiang}
        )
    answer = sealed.by_staff("GET", "/v1/ledger/audit/accounts")
    assert answer["finding"]["kind"] == "balance"
    assert answer["finding"]["account"] == f"{account}:{sealed.qiang}"


def test_points_of_an_account_without_a_row_are_noticed(sealed: Bank) -> None:
    with sealed.rewards.session() as session:
        nobody = new_id()
        row = journal.TransferDraft(
            journal.OUTSIDE,
            journal.volunteer(nobody),
            7,
            TransferKind.EARNED,
            new_id(),
            volunteer_id=nobody,
            actor="x",
        )
        journal.record_transfers(session, [row])
        assert balances.check_accounts(session).finding is None
        finding = balances.check_books(session)
    assert finding is not None and (finding.kind, finding.account) == (audit.Flaw.BOOK, "volunteer")


def test_accounts_agree_through_merges_waits_debts_and_voided_vouchers(
    bank: Bank, star: Venue
) -> None:
    swim = bank.product(star.id, points=30, stock=0, title="游泳")
    bank.issue(swim)
    first, middle = bank.hours(bank.fang, 130), new_id()
    bank.receive(first, bank.hours(bank.qiang, 200), bank.hours(middle, 40))
    star.redeem(bank.code(bank.fang), "POS-1")
    bank.receive(bank.correction(first, 130, 0))
    bank.receive(VolunteerMerged(volunteer_id=bank.fang, into_id=middle))
    bank.receive(VolunteerMerged(volunteer_id=middle, into_id=bank.qiang))
    bank.assert_sound()
    with bank.rewards.session() as session:
        after, seen = None, 0
        while True:
            page = balances.check_accounts(session, after, limit=1)
            assert page.finding is None
            after, seen = page.next, seen + page.accounts
            if after is None:
                break
        assert seen == 3
        assert balances.check_books(session) is None


def test_one_that_commits_late_is_not_passed_over(sealed: Bank) -> None:
    late = sealed.rewards.database.session()
    row = journal.TransferDraft(
        journal.OUTSIDE,
        journal.volunteer(sealed.qiang),
        1,
        TransferKind.EARNED,
        new_id(),
        volunteer_id=sealed.qiang,
        actor="x",
    )
    journal.record_transfers(late, [row])
    sealed.receive(sealed.hours(sealed.fang, 1))
    with sealed.rewards.session() as session:
        assert seal.seal_batch(session) == 0
    late.commit()
    late.close()
    assert seal_all(sealed) == 12
    assert found(sealed) is None
    assert sealed.rows("SELECT id FROM transfers ORDER BY txid DESC, id DESC LIMIT 1") != [
        (row.id,)
    ]


def test_a_journal_restored_into_another_cluster_is_sealed_on(sealed: Bank) -> None:
    """The other cluster has counted more transactions than this one ever will."""
    lift = (
        "CREATE OR REPLACE FUNCTION journal_epoch() RETURNS bigint LANGUAGE sql STABLE"
        " AS 'SELECT {}::bigint'"
    )
    try:
        with as_owner(sealed) as owner:
            owner.execute(text(lift.format(7_000_000_000)))
        sealed.receive(sealed.hours(sealed.fang, 1))
        seal_all(sealed)
        sealed.receive(sealed.hours(sealed.fang, 1))
        with as_owner(sealed) as owner:
            owner.execute(text(lift.format(0)))  # here the restored database wakes up
        for _ in range(2):
            migrate(SERVICE, sealed.district.settings)
        sealed.receive(sealed.hours(sealed.fang, 1))
        assert seal_all(sealed) == 13
        assert found(sealed) is None
    finally:
        with as_owner(sealed) as owner:
            owner.execute(text(lift.format(0)))


def test_anybody_can_check_the_chain_without_our_code(sealed: Bank) -> None:
    """As docs/operations/audit-the-ledger.md says it."""
    rows = iter(
        sealed.rows(
            "SELECT id, to_jsonb(t) - 'txid' || jsonb_build_object('created_at',"
            " CAST(extract(epoch FROM created_at) * 1000000 AS bigint)) AS columns"
            " FROM transfers AS t ORDER BY txid, id"
        )
    )
    link = bytes(32)
    for number, count, last_txid, kept in sealed.rows(
        "SELECT number, count, CAST(last_txid AS text), hash FROM seals ORDER BY number"
    ):
        for id_, columns in itertools.islice(rows, count):
            strings = {
                name: str(value) for name, value in sorted(columns.items()) if value is not None
            }
            digest = hashlib.sha256(json.dumps(strings, separators=(",", ":")).encode()).digest()
            link = hashlib.sha256(link + id_.bytes + digest).digest()
        link = hashlib.sha256(link + struct.pack(">QQQ", number, count, int(last_txid))).digest()
        assert link == kept


def test_two_sealers_at_once_seal_everything_once(bank: Bank, star: Venue) -> None:
    bank.receive(*(bank.hours(bank.fang, 1) for _ in range(100)))

    def work() -> int:
        done = 0
        for _ in range(30):
            with bank.rewards.session() as session:
                done += seal.seal_batch(session, 7)
        return done

    assert (
        sum(at_once([work] * 6))
        + seal_all(bank, 7)
        - bank.rows("SELECT sum(count) FROM seals")[0][0]
        <= 100
    )
    numbers = [row[0] for row in bank.rows("SELECT number FROM seals ORDER BY 1")]
    assert numbers == list(range(1, len(numbers) + 1))
    assert found(bank) is None


def test_a_second_sealer_does_not_wait(sealed: Bank) -> None:
    sealed.receive(sealed.hours(sealed.fang, 1))
    with sealed.rewards.session() as first:
        assert seal.seal_batch(first) == 1
        with sealed.rewards.database.transaction() as second:
            second.execute(text("SET LOCAL lock_timeout = '1s'"))
            assert seal.seal_batch(second) == 0


def test_hours_are_credited_while_the_sealer_works(sealed: Bank) -> None:
    sealed.receive(sealed.hours(sealed.fang, 1))
    with sealed.rewards.session() as sealer:
        assert seal.seal_batch(sealer) == 1
        started = time.monotonic()
        at_once([lambda: sealed.receive(sealed.hours(sealed.fang, 100))])
        assert time.monotonic() - started < 5
    assert sealed.points(sealed.fang) == 36
    assert seal_all(sealed) == sealed.count("transfers")


@pytest.mark.parametrize("table", JOURNALS)
def test_the_application_cannot_rewrite_what_is_sealed(bank: Bank, table: str) -> None:
    column = bank.rows(
        "SELECT column_name FROM information_schema.columns"
        " WHERE table_schema = 'rewards' AND table_name = :t",
        t=table,
    )[0][0]
    for statement in (
        f'UPDATE {table} SET "{column}" = "{column}"',
        f"DELETE FROM {table}",
        f"TRUNCATE {table}",
    ):
        with (
            pytest.raises(ProgrammingError, match="permission denied"),
            bank.rewards.session() as session,
        ):
            session.execute(text(statement))


def test_the_head_is_told_once_a_day(sealed: Bank) -> None:
    assert export(sealed)
    sealed.receive(sealed.hours(sealed.fang, 1))
    seal_all(sealed)
    assert not export(sealed)
    (event,) = sealed.rewards.published("ledger.sealed")
    (shown,) = sealed.ask("GET", "/v1/ledger/heads")["items"]
    assert event["data"] == {"head": shown["hash"], "number": 4, "entries": 10}
    assert (shown["number"], shown["entries"]) == (4, 10)
    tamper(sealed, "UPDATE exported_heads SET exported_on = exported_on - 1")
    assert export(sealed)
    newest, _ = sealed.ask("GET", "/v1/ledger/heads")["items"]
    assert (newest["number"], newest["entries"]) == (5, 11)


def test_heads_are_paged(sealed: Bank) -> None:
    export(sealed)
    for days in (1, 2):
        tamper(
            sealed,
            "INSERT INTO exported_heads"
            " SELECT exported_on - :days, number, entries, hash FROM exported_heads"
            " ORDER BY exported_on DESC LIMIT 1",
            days=days,
        )
    first = sealed.ask("GET", "/v1/ledger/heads?limit=2")
    rest = sealed.ask("GET", f"/v1/ledger/heads?limit=2&after={first['next']}")
    days = [item["exported_on"] for item in first["items"] + rest["items"]]
    assert len(days) == 3 and days == sorted(days, reverse=True) and rest["next"] is None
    sealed.ask("GET", "/v1/ledger/heads?after=nonsense", status=422)


def test_no_head_before_the_first_seal(bank: Bank) -> None:
    assert not export(bank)
    assert bank.ask("GET", "/v1/ledger/heads")["items"] == []
    assert not bank.rewards.published()


def test_an_auditor_pages_through_the_chain(sealed: Bank, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("services.rewards.api.ledger.PAGE", 3)
    monkeypatch.setattr("services.rewards.ledger.audit.BATCH", 2)
    auditor = sealed.district.token("auditor")
    pages, start = [], 1
    while start is not None:
        page = sealed.ask("GET", f"/v1/ledger/audit?from={start}", as_=auditor)
        pages.append((page["checked_to"], page["entries"], page["finding"]))
        start = page["next"]
    assert pages == [(1, 3, None), (2, 3, None), (3, 3, None), (4, 1, None)]
    head = head_of(sealed)
    sealed.ask("GET", f"/v1/ledger/audit?head={head.number}:{head.hash.hex()}", as_=auditor)
    seventh = ids(sealed)[6]
    tamper(sealed, "UPDATE transfers SET amount = 99 WHERE id = :id", id=seventh)
    assert sealed.ask("GET", "/v1/ledger/audit?from=1", as_=auditor)["finding"] is None
    page = sealed.ask("GET", "/v1/ledger/audit?from=2", as_=auditor)
    page = sealed.ask("GET", f"/v1/ledger/audit?from={page['next']}", as_=auditor)
    assert page["finding"]["transfer_id"] == str(seventh)
    assert (page["checked_to"], page["next"]) == (2, None)


def test_who_may_audit(sealed: Bank) -> None:
    paths = (
        "/v1/ledger/audit",
        "/v1/ledger/audit/accounts",
        "/v1/ledger/books",
        f"/v1/ledger/balances/venue:{new_id()}",
    )
    for path in paths:
        sealed.ask("GET", path, status=401)
        sealed.ask("GET", path, status=403, as_=sealed.of(sealed.fang))


@pytest.mark.parametrize(
    "query",
    [
        "from=0",
        "from=x",
        "from=99999999999999999999",
        "head=1",
        "head=x:y",
        "nonsense=1",
        "head=0:" + "0" * 64,
    ],
)
def test_a_bad_question_is_refused(bank: Bank, query: str) -> None:
    bank.ask("GET", f"/v1/ledger/audit?{query}", status=422, as_=bank.staff)


@pytest.mark.check("M5")
def test_the_books_sum_to_nothing(sealed: Bank, star: Venue) -> None:
    sealed.receive(sealed.hours(sealed.fang, 100))
    star.redeem(sealed.code(sealed.fang), "POS-1")
    answer = sealed.by_staff("GET", "/v1/ledger/books")
    assert answer["balance"] == 0
    balances = {item["book"]: item["balance"] for item in answer["items"]}
    assert balances == {"outside": -155, "volunteer": 35, "product": 0, "venue": 120}


def run_cli(bank: Bank, *arguments: str) -> Any:
    return CliRunner().invoke(main, ["ledger", *arguments], env=bank.district.env)


def test_the_operator_audits_from_the_command_line(sealed: Bank) -> None:
    head = run_cli(sealed, "head").stdout.strip()
    assert head == f"4:{head_of(sealed).hash.hex()}"
    sound = run_cli(sealed, "audit", "--head", head)
    assert sound.exit_code == 0, sound.output
    assert "agree" in sound.stdout
    assert "seal 4" in sound.stderr
    assert run_cli(sealed, "audit", "--head", "4:" + "0" * 64).exit_code == 1
    assert run_cli(sealed, "audit", "--head", "nonsense").exit_code == 2
    tamper(sealed, "DELETE FROM transfers WHERE id = :id", id=ids(sealed)[3])
    wrong = run_cli(sealed, "audit")
    assert wrong.exit_code == 1
    assert wrong.stdout.startswith("missing: ") and str(ids(sealed)[3]) not in wrong.stdout


@pytest.mark.parametrize("change", ["UPDATE accounts SET points_available = 0"])
def test_the_command_line_also_checks_the_balances(sealed: Bank, change: str) -> None:
    tamper(sealed, change)
    wrong = run_cli(sealed, "audit")
    assert wrong.exit_code == 1 and wrong.stdout.startswith("balance: ")


def test_every_column_of_a_transfer_is_sealed_but_its_place() -> None:
    assert {*seal.SEALED_COLUMNS, "txid"} == {column.name for column in Transfer.__table__.columns}


def values(**given: str) -> list[str | None]:
    return [given.get(name) for name in seal.SEALED_COLUMNS]


def test_the_bytes_that_are_sealed_are_those_that_are_documented() -> None:
    assert (
        seal.canonical(values(id="a", actor='"沈\\', amount="1"))
        == b'{"actor":"\\"\\u6c88\\\\","amount":"1","id":"a"}'
    )
