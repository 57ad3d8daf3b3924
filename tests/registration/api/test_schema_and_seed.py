"""The models match the migrations, the demo district can be put into an empty database, and the document is served."""

from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import create_engine

from console.demo import district as demo
from console.demo.registration import seed
from shared.service.migrate import metadata_of


def test_every_model_has_its_migration(world):
    url = world.district.env["WISHTREE_OWNER_DATABASE_URL"].replace("postgresql://", "postgresql+psycopg://", 1)
    engine = create_engine(url, connect_args={"options": "-csearch_path=registration,public"})
    with engine.connect() as connection:
        options = {"compare_type": True, "target_metadata": metadata_of("registration"),
                   "version_table": "alembic_registration"}  # fmt: skip
        differences = compare_metadata(
            MigrationContext.configure(connection, opts=options), metadata_of("registration")
        )
    engine.dispose()
    assert differences == []


def test_the_demo_district_is_seeded_once(district):
    for _ in range(2):
        with district.registration.session() as session:
            assert list(seed(session)) == []  # no log-ins outside embedded mode
    tree = district.registration.call("GET", f"/v1/organisations/{demo.FEDERATION_ID}/tree").json["items"]
    assert [item["id"] for item in tree] == [
        str(place.id) for place in (*demo.ORGANISATIONS[:2], *demo.ORGANISATIONS[3:], demo.ORGANISATIONS[2])
    ]
    listed = district.registration.call("GET", f"/v1/activities/{demo.ACTIVITY_ID}/sessions").json["items"]
    assert [(item["id"], item["confirmed"]) for item in listed] == [(str(demo.SESSION_ID), 1)]
    assert len(district.registration.said("volunteer.activated")) == 3


def test_the_document_says_who_may_call(world):
    document = world.ok("GET", "/registration/openapi.json")
    assert document["paths"]["/v1/service-records:batch"]["post"]["x-roles"] == [
        "coordinator",
        "staff",
        "system:records:write",
    ]
