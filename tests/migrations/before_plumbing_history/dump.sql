SET statement_timeout = 0;
SET lock_timeout = 0;
SET idle_in_transaction_session_timeout = 0;
SET client_encoding = 'UTF8';
SET standard_conforming_strings = on;
SELECT pg_catalog.set_config('search_path', '', false);
SET check_function_bodies = false;
SET xmloption = content;
SET client_min_messages = warning;
SET row_security = off;
CREATE SCHEMA "notify";
ALTER SCHEMA "notify" OWNER TO "wishtree_owner";
CREATE SCHEMA "registration";
ALTER SCHEMA "registration" OWNER TO "wishtree_owner";
CREATE SCHEMA "rewards";
ALTER SCHEMA "rewards" OWNER TO "wishtree_owner";
CREATE SCHEMA "wishes";
ALTER SCHEMA "wishes" OWNER TO "wishtree_owner";
CREATE EXTENSION IF NOT EXISTS "btree_gist" WITH SCHEMA "public";
CREATE EXTENSION IF NOT EXISTS "pg_trgm" WITH SCHEMA "public";
CREATE FUNCTION "notify"."app_now"() RETURNS timestamp with time zone
    LANGUAGE "sql" STABLE
    AS $$ SELECT now() + coalesce(nullif(current_setting('wishtree.clock_offset', true), '')::interval, interval '0') $$;
ALTER FUNCTION "notify"."app_now"() OWNER TO "wishtree_owner";
CREATE FUNCTION "registration"."app_now"() RETURNS timestamp with time zone
    LANGUAGE "sql" STABLE
    AS $$ SELECT now() + coalesce(nullif(current_setting('wishtree.clock_offset', true), '')::interval, interval '0') $$;
ALTER FUNCTION "registration"."app_now"() OWNER TO "wishtree_owner";
CREATE FUNCTION "rewards"."after_restore"() RETURNS "void"
    LANGUAGE "plpgsql"
    AS $$
DECLARE
    free bigint := pg_snapshot_xmax(pg_current_snapshot())::text::bigint;
    last bigint := greatest((SELECT txid::text::bigint FROM transfers ORDER BY txid DESC LIMIT 1),
                            (SELECT last_txid::text::bigint FROM seals ORDER BY number DESC LIMIT 1));
BEGIN
    IF last >= free + journal_epoch() THEN
        EXECUTE format('CREATE OR REPLACE FUNCTION journal_epoch() RETURNS bigint LANGUAGE sql STABLE AS %L',
                       format('SELECT %s::bigint', last - free + 1));
    END IF;
END $$;
ALTER FUNCTION "rewards"."after_restore"() OWNER TO "wishtree_owner";
CREATE FUNCTION "rewards"."app_now"() RETURNS timestamp with time zone
    LANGUAGE "sql" STABLE
    AS $$ SELECT now() + coalesce(nullif(current_setting('wishtree.clock_offset', true), '')::interval, interval '0') $$;
ALTER FUNCTION "rewards"."app_now"() OWNER TO "wishtree_owner";
CREATE FUNCTION "rewards"."journal_epoch"() RETURNS bigint
    LANGUAGE "sql" STABLE
    AS $$SELECT 0::bigint$$;
ALTER FUNCTION "rewards"."journal_epoch"() OWNER TO "wishtree_owner";
CREATE FUNCTION "rewards"."journal_txid"("id" "xid8") RETURNS "xid8"
    LANGUAGE "sql" STABLE
    AS $$SELECT (id::text::bigint + journal_epoch())::text::xid8$$;
ALTER FUNCTION "rewards"."journal_txid"("id" "xid8") OWNER TO "wishtree_owner";
CREATE FUNCTION "wishes"."app_now"() RETURNS timestamp with time zone
    LANGUAGE "sql" STABLE
    AS $$ SELECT now() + coalesce(nullif(current_setting('wishtree.clock_offset', true), '')::interval, interval '0') $$;
ALTER FUNCTION "wishes"."app_now"() OWNER TO "wishtree_owner";
SET default_tablespace = '';
SET default_table_access_method = "heap";
CREATE TABLE "notify"."alembic_notify" (
    "version_num" character varying(32) NOT NULL
);
ALTER TABLE "notify"."alembic_notify" OWNER TO "wishtree_owner";
CREATE TABLE "notify"."alerts" (
    "id" "uuid" NOT NULL,
    "person_id" "uuid" NOT NULL,
    "topic" "text" NOT NULL,
    "event_id" "uuid" NOT NULL,
    "template" "text" NOT NULL,
    "params" "jsonb" NOT NULL,
    "created_at" timestamp with time zone DEFAULT "notify"."app_now"() NOT NULL,
    "read_at" timestamp with time zone
);
ALTER TABLE "notify"."alerts" OWNER TO "wishtree_owner";
CREATE TABLE "notify"."attempts" (
    "event_id" "uuid" NOT NULL,
    "body" "text" NOT NULL,
    "attempts" bigint NOT NULL,
    "error" "text",
    "due_at" timestamp with time zone NOT NULL
);
ALTER TABLE "notify"."attempts" OWNER TO "wishtree_owner";
CREATE TABLE "notify"."dead_letters" (
    "id" "uuid" NOT NULL,
    "event_id" "uuid",
    "body" "text" NOT NULL,
    "reason" "text" NOT NULL,
    "error" "text",
    "attempts" bigint NOT NULL,
    "died_at" timestamp with time zone DEFAULT "notify"."app_now"() NOT NULL,
    "replayed_at" timestamp with time zone
);
ALTER TABLE "notify"."dead_letters" OWNER TO "wishtree_owner";
CREATE TABLE "notify"."deliveries" (
    "id" "uuid" NOT NULL,
    "subscription_id" "uuid" NOT NULL,
    "event_id" "uuid" NOT NULL,
    "event_type" "text" NOT NULL,
    "body" "text" NOT NULL,
    "status" character varying(40) DEFAULT 'waiting'::character varying NOT NULL,
    "attempts" bigint DEFAULT '0'::bigint NOT NULL,
    "due_at" timestamp with time zone DEFAULT "notify"."app_now"() NOT NULL,
    "claimed_until" timestamp with time zone,
    "created_at" timestamp with time zone DEFAULT "notify"."app_now"() NOT NULL,
    "delivered_at" timestamp with time zone
);
ALTER TABLE "notify"."deliveries" OWNER TO "wishtree_owner";
CREATE TABLE "notify"."delivery_attempts" (
    "id" "uuid" NOT NULL,
    "delivery_id" "uuid" NOT NULL,
    "subscription_id" "uuid" NOT NULL,
    "number" bigint NOT NULL,
    "status" bigint,
    "milliseconds" bigint NOT NULL,
    "error" "text",
    "attempted_at" timestamp with time zone DEFAULT "notify"."app_now"() NOT NULL
);
ALTER TABLE "notify"."delivery_attempts" OWNER TO "wishtree_owner";
CREATE TABLE "notify"."denied_people" (
    "person_id" "uuid" NOT NULL,
    "valid_from" timestamp with time zone NOT NULL
);
ALTER TABLE "notify"."denied_people" OWNER TO "wishtree_owner";
CREATE TABLE "notify"."ended_subscriptions" (
    "id" "uuid" NOT NULL,
    "ended_at" timestamp with time zone DEFAULT "notify"."app_now"() NOT NULL
);
ALTER TABLE "notify"."ended_subscriptions" OWNER TO "wishtree_owner";
CREATE TABLE "notify"."erased_people" (
    "person_id" "uuid" NOT NULL
);
ALTER TABLE "notify"."erased_people" OWNER TO "wishtree_owner";
CREATE TABLE "notify"."feed_cursors" (
    "source" "text" NOT NULL,
    "cursor" "text" NOT NULL
);
ALTER TABLE "notify"."feed_cursors" OWNER TO "wishtree_owner";
CREATE TABLE "notify"."idempotency_keys" (
    "scope" "bytea" NOT NULL,
    "body_hash" "bytea" NOT NULL,
    "status" bigint NOT NULL,
    "answer" "bytea" NOT NULL,
    "created_at" timestamp with time zone DEFAULT "notify"."app_now"() NOT NULL
);
ALTER TABLE "notify"."idempotency_keys" OWNER TO "wishtree_owner";
CREATE TABLE "notify"."inbox" (
    "event_id" "uuid" NOT NULL,
    "received_at" timestamp with time zone DEFAULT "notify"."app_now"() NOT NULL
)
WITH ("autovacuum_vacuum_scale_factor"='0.02');
ALTER TABLE "notify"."inbox" OWNER TO "wishtree_owner";
CREATE TABLE "notify"."job_runs" (
    "name" "text" NOT NULL,
    "period" bigint NOT NULL,
    "started_at" timestamp with time zone DEFAULT "notify"."app_now"() NOT NULL
);
ALTER TABLE "notify"."job_runs" OWNER TO "wishtree_owner";
CREATE TABLE "notify"."merged_people" (
    "person_id" "uuid" NOT NULL,
    "into_id" "uuid" NOT NULL
);
ALTER TABLE "notify"."merged_people" OWNER TO "wishtree_owner";
CREATE TABLE "notify"."messages" (
    "id" "uuid" NOT NULL,
    "person_id" "uuid",
    "recipient" "bytea",
    "kind" character varying(40) NOT NULL,
    "content" "bytea" NOT NULL,
    "created_at" timestamp with time zone DEFAULT "notify"."app_now"() NOT NULL,
    "expires_at" timestamp with time zone NOT NULL
);
ALTER TABLE "notify"."messages" OWNER TO "wishtree_owner";
CREATE TABLE "notify"."outbox" (
    "id" "uuid" NOT NULL,
    "sequence" bigint NOT NULL,
    "txid" "xid8" DEFAULT "pg_current_xact_id"() NOT NULL,
    "type" "text" NOT NULL,
    "version" bigint NOT NULL,
    "subject" "text" NOT NULL,
    "data" "text" NOT NULL,
    "traceparent" "text",
    "created_at" timestamp with time zone DEFAULT "notify"."app_now"() NOT NULL,
    "published_at" timestamp with time zone
)
WITH ("autovacuum_vacuum_scale_factor"='0.02');
ALTER TABLE "notify"."outbox" OWNER TO "wishtree_owner";
ALTER TABLE "notify"."outbox" ALTER COLUMN "sequence" ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME "notify"."outbox_sequence_seq"
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);
CREATE TABLE "notify"."preferences" (
    "person_id" "uuid" NOT NULL,
    "language" "text",
    "muted_topics" "jsonb" NOT NULL,
    "updated_at" timestamp with time zone DEFAULT "notify"."app_now"() NOT NULL
);
ALTER TABLE "notify"."preferences" OWNER TO "wishtree_owner";
CREATE TABLE "notify"."subscription_secrets" (
    "id" "uuid" NOT NULL,
    "subscription_id" "uuid" NOT NULL,
    "sealed" "bytea" NOT NULL,
    "valid_until" timestamp with time zone
);
ALTER TABLE "notify"."subscription_secrets" OWNER TO "wishtree_owner";
CREATE TABLE "notify"."subscriptions" (
    "id" "uuid" NOT NULL,
    "url" "text" NOT NULL,
    "events" "jsonb" NOT NULL,
    "venue_id" "uuid",
    "created_by" "uuid" NOT NULL,
    "created_at" timestamp with time zone DEFAULT "notify"."app_now"() NOT NULL,
    "failing_since" timestamp with time zone,
    "disabled_at" timestamp with time zone,
    "disabled_reason" "text"
);
ALTER TABLE "notify"."subscriptions" OWNER TO "wishtree_owner";
CREATE TABLE "registration"."activities" (
    "id" "uuid" NOT NULL,
    "organisation_id" "uuid" NOT NULL,
    "title" "text" NOT NULL,
    "kind" "text" NOT NULL,
    "category" "text" NOT NULL,
    "risk_statement" "text",
    "minimum_age" bigint,
    "status" character varying(40) NOT NULL,
    "created_by" "text" NOT NULL,
    "created_at" timestamp with time zone DEFAULT "registration"."app_now"() NOT NULL
);
ALTER TABLE "registration"."activities" OWNER TO "wishtree_owner";
CREATE TABLE "registration"."alembic_registration" (
    "version_num" character varying(32) NOT NULL
);
ALTER TABLE "registration"."alembic_registration" OWNER TO "wishtree_owner";
CREATE TABLE "registration"."attempts" (
    "event_id" "uuid" NOT NULL,
    "body" "text" NOT NULL,
    "attempts" bigint NOT NULL,
    "error" "text",
    "due_at" timestamp with time zone NOT NULL
);
ALTER TABLE "registration"."attempts" OWNER TO "wishtree_owner";
CREATE TABLE "registration"."attendances" (
    "session_id" "uuid" NOT NULL,
    "volunteer_id" "uuid" NOT NULL,
    "checked_in_at" timestamp with time zone NOT NULL,
    "checked_in_by" "text" NOT NULL,
    "checked_out_at" timestamp with time zone,
    "checked_out_by" "text",
    "minutes" bigint,
    "credit" character varying(40),
    "record_id" "uuid",
    "closed_by_clock" boolean DEFAULT false NOT NULL,
    "created_at" timestamp with time zone DEFAULT "registration"."app_now"() NOT NULL
);
ALTER TABLE "registration"."attendances" OWNER TO "wishtree_owner";
CREATE TABLE "registration"."clients" (
    "id" "uuid" NOT NULL,
    "client_id" "text" NOT NULL,
    "name" "text" NOT NULL,
    "secret_hash" "bytea" NOT NULL,
    "scopes" "jsonb" NOT NULL,
    "created_at" timestamp with time zone DEFAULT "registration"."app_now"() NOT NULL
);
ALTER TABLE "registration"."clients" OWNER TO "wishtree_owner";
CREATE TABLE "registration"."contact_looks" (
    "id" "uuid" NOT NULL,
    "volunteer_id" "uuid" NOT NULL,
    "looked_by" "text" NOT NULL,
    "looked_at" timestamp with time zone DEFAULT "registration"."app_now"() NOT NULL
);
ALTER TABLE "registration"."contact_looks" OWNER TO "wishtree_owner";
CREATE TABLE "registration"."coordinations" (
    "organisation_id" "uuid" NOT NULL,
    "volunteer_id" "uuid" NOT NULL,
    "granted_by" "text" NOT NULL,
    "granted_at" timestamp with time zone DEFAULT "registration"."app_now"() NOT NULL
);
ALTER TABLE "registration"."coordinations" OWNER TO "wishtree_owner";
CREATE TABLE "registration"."corrections" (
    "id" "uuid" NOT NULL,
    "record_id" "uuid" NOT NULL,
    "new_record_id" "uuid",
    "started_at" timestamp with time zone NOT NULL,
    "ended_at" timestamp with time zone NOT NULL,
    "reason" "text" NOT NULL,
    "status" character varying(40) NOT NULL,
    "asked_by" "text" NOT NULL,
    "asked_at" timestamp with time zone DEFAULT "registration"."app_now"() NOT NULL,
    "approved_by" "text",
    "approved_at" timestamp with time zone,
    CONSTRAINT "ck_corrections_ends_after_start" CHECK (("ended_at" >= "started_at")),
    CONSTRAINT "ck_corrections_two_people" CHECK ((("approved_by" IS NULL) OR ("approved_by" <> "asked_by")))
);
ALTER TABLE "registration"."corrections" OWNER TO "wishtree_owner";
CREATE TABLE "registration"."dead_letters" (
    "id" "uuid" NOT NULL,
    "event_id" "uuid",
    "body" "text" NOT NULL,
    "reason" "text" NOT NULL,
    "error" "text",
    "attempts" bigint NOT NULL,
    "died_at" timestamp with time zone DEFAULT "registration"."app_now"() NOT NULL,
    "replayed_at" timestamp with time zone
);
ALTER TABLE "registration"."dead_letters" OWNER TO "wishtree_owner";
CREATE TABLE "registration"."denied_people" (
    "person_id" "uuid" NOT NULL,
    "valid_from" timestamp with time zone NOT NULL
);
ALTER TABLE "registration"."denied_people" OWNER TO "wishtree_owner";
CREATE TABLE "registration"."feed_cursors" (
    "source" "text" NOT NULL,
    "cursor" "text" NOT NULL
);
ALTER TABLE "registration"."feed_cursors" OWNER TO "wishtree_owner";
CREATE TABLE "registration"."idempotency_keys" (
    "scope" "bytea" NOT NULL,
    "body_hash" "bytea" NOT NULL,
    "status" bigint NOT NULL,
    "answer" "bytea" NOT NULL,
    "created_at" timestamp with time zone DEFAULT "registration"."app_now"() NOT NULL
);
ALTER TABLE "registration"."idempotency_keys" OWNER TO "wishtree_owner";
CREATE TABLE "registration"."inbox" (
    "event_id" "uuid" NOT NULL,
    "received_at" timestamp with time zone DEFAULT "registration"."app_now"() NOT NULL
)
WITH ("autovacuum_vacuum_scale_factor"='0.02');
ALTER TABLE "registration"."inbox" OWNER TO "wishtree_owner";
CREATE TABLE "registration"."job_runs" (
    "name" "text" NOT NULL,
    "period" bigint NOT NULL,
    "started_at" timestamp with time zone DEFAULT "registration"."app_now"() NOT NULL
);
ALTER TABLE "registration"."job_runs" OWNER TO "wishtree_owner";
CREATE TABLE "registration"."login_codes" (
    "phone_hash" "bytea" NOT NULL,
    "code_hash" "bytea" NOT NULL,
    "sent_at" timestamp with time zone NOT NULL,
    "expires_at" timestamp with time zone NOT NULL,
    "attempts" bigint DEFAULT '0'::bigint NOT NULL,
    "used_at" timestamp with time zone,
    "window_from" timestamp with time zone NOT NULL,
    "sends" bigint NOT NULL
);
ALTER TABLE "registration"."login_codes" OWNER TO "wishtree_owner";
CREATE TABLE "registration"."organisations" (
    "id" "uuid" NOT NULL,
    "name" "text" NOT NULL,
    "kind" character varying(40) NOT NULL,
    "parent_id" "uuid",
    "created_at" timestamp with time zone DEFAULT "registration"."app_now"() NOT NULL
);
ALTER TABLE "registration"."organisations" OWNER TO "wishtree_owner";
CREATE TABLE "registration"."outbound_messages" (
    "id" "uuid" NOT NULL,
    "phone_hash" "bytea" NOT NULL,
    "phone_sealed" "bytea" NOT NULL,
    "text_sealed" "bytea" NOT NULL,
    "expires_at" timestamp with time zone NOT NULL,
    "created_at" timestamp with time zone DEFAULT "registration"."app_now"() NOT NULL
);
ALTER TABLE "registration"."outbound_messages" OWNER TO "wishtree_owner";
CREATE TABLE "registration"."outbox" (
    "id" "uuid" NOT NULL,
    "sequence" bigint NOT NULL,
    "txid" "xid8" DEFAULT "pg_current_xact_id"() NOT NULL,
    "type" "text" NOT NULL,
    "version" bigint NOT NULL,
    "subject" "text" NOT NULL,
    "data" "text" NOT NULL,
    "traceparent" "text",
    "created_at" timestamp with time zone DEFAULT "registration"."app_now"() NOT NULL,
    "published_at" timestamp with time zone
)
WITH ("autovacuum_vacuum_scale_factor"='0.02');
ALTER TABLE "registration"."outbox" OWNER TO "wishtree_owner";
ALTER TABLE "registration"."outbox" ALTER COLUMN "sequence" ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME "registration"."outbox_sequence_seq"
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);
CREATE TABLE "registration"."refresh_tokens" (
    "token_hash" "bytea" NOT NULL,
    "family_id" "uuid" NOT NULL,
    "person_id" "uuid" NOT NULL,
    "role" "text" NOT NULL,
    "expires_at" timestamp with time zone NOT NULL,
    "used_at" timestamp with time zone
);
ALTER TABLE "registration"."refresh_tokens" OWNER TO "wishtree_owner";
CREATE TABLE "registration"."service_records" (
    "id" "uuid" NOT NULL,
    "volunteer_id" "uuid" NOT NULL,
    "organisation_id" "uuid" NOT NULL,
    "session_id" "uuid",
    "started_at" timestamp with time zone NOT NULL,
    "ended_at" timestamp with time zone NOT NULL,
    "times_known" boolean DEFAULT true NOT NULL,
    "minutes" bigint NOT NULL,
    "category" "text" NOT NULL,
    "note" "text",
    "origin" character varying(40) NOT NULL,
    "bucket" character varying(40) NOT NULL,
    "status" character varying(40) NOT NULL,
    "client" "text",
    "reference" "text",
    "recorded_by" "text" NOT NULL,
    "decided_by" "text",
    "decided_at" timestamp with time zone,
    "root_id" "uuid" NOT NULL,
    "created_at" timestamp with time zone DEFAULT "registration"."app_now"() NOT NULL,
    CONSTRAINT "ck_service_records_ends_after_start" CHECK (("ended_at" >= "started_at")),
    CONSTRAINT "ck_service_records_minutes_not_negative" CHECK (("minutes" >= 0))
);
ALTER TABLE "registration"."service_records" OWNER TO "wishtree_owner";
CREATE TABLE "registration"."sessions" (
    "id" "uuid" NOT NULL,
    "activity_id" "uuid" NOT NULL,
    "starts_at" timestamp with time zone NOT NULL,
    "ends_at" timestamp with time zone NOT NULL,
    "place" "text" NOT NULL,
    "capacity" bigint NOT NULL,
    "confirmed" bigint DEFAULT '0'::bigint NOT NULL,
    "created_at" timestamp with time zone DEFAULT "registration"."app_now"() NOT NULL,
    CONSTRAINT "ck_sessions_capacity_holds" CHECK ((("confirmed" >= 0) AND ("confirmed" <= "capacity"))),
    CONSTRAINT "ck_sessions_ends_after_start" CHECK (("ends_at" > "starts_at"))
);
ALTER TABLE "registration"."sessions" OWNER TO "wishtree_owner";
CREATE TABLE "registration"."sign_ups" (
    "id" "uuid" NOT NULL,
    "session_id" "uuid" NOT NULL,
    "volunteer_id" "uuid" NOT NULL,
    "status" character varying(40) NOT NULL,
    "period" "tstzrange" NOT NULL,
    "queued" bigint NOT NULL,
    "changed_at" timestamp with time zone DEFAULT "registration"."app_now"() NOT NULL
);
ALTER TABLE "registration"."sign_ups" OWNER TO "wishtree_owner";
ALTER TABLE "registration"."sign_ups" ALTER COLUMN "queued" ADD GENERATED BY DEFAULT AS IDENTITY (
    SEQUENCE NAME "registration"."sign_ups_queued_seq"
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);
CREATE TABLE "registration"."staff_members" (
    "id" "uuid" NOT NULL,
    "login" "text" NOT NULL,
    "password_hash" "text" NOT NULL,
    "failures" bigint DEFAULT '0'::bigint NOT NULL,
    "locked_until" timestamp with time zone,
    "created_at" timestamp with time zone DEFAULT "registration"."app_now"() NOT NULL
);
ALTER TABLE "registration"."staff_members" OWNER TO "wishtree_owner";
CREATE SEQUENCE "registration"."volunteer_numbers"
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1;
ALTER TABLE "registration"."volunteer_numbers" OWNER TO "wishtree_owner";
CREATE TABLE "registration"."volunteers" (
    "id" "uuid" NOT NULL,
    "number" "text" NOT NULL,
    "status" character varying(40) NOT NULL,
    "name" "text",
    "phone_sealed" "bytea",
    "phone_hash" "bytea",
    "birth_date" "date",
    "guardian_name" "text",
    "guardian_phone_sealed" "bytea",
    "guardian_consented_at" timestamp with time zone,
    "possible_duplicate" boolean NOT NULL,
    "merged_into_id" "uuid",
    "created_at" timestamp with time zone DEFAULT "registration"."app_now"() NOT NULL
);
ALTER TABLE "registration"."volunteers" OWNER TO "wishtree_owner";
CREATE TABLE "rewards"."accounts" (
    "volunteer_id" "uuid" NOT NULL,
    "points_available" bigint DEFAULT '0'::bigint NOT NULL,
    "points_held" bigint DEFAULT '0'::bigint NOT NULL,
    "minutes_credited" bigint DEFAULT '0'::bigint NOT NULL,
    "shortfall" bigint DEFAULT '0'::bigint NOT NULL,
    "standing_choice" character varying(40) DEFAULT 'issue'::character varying NOT NULL,
    "status" character varying(40) DEFAULT 'open'::character varying NOT NULL,
    "merged_into" "uuid",
    "suspended" boolean DEFAULT false NOT NULL,
    "suspended_sequence" bigint DEFAULT '0'::bigint NOT NULL,
    "opened_at" timestamp with time zone DEFAULT "rewards"."app_now"() NOT NULL,
    "preferred_product_id" "uuid",
    CONSTRAINT "ck_accounts_merged_names_target" CHECK (((("status")::"text" = 'merged'::"text") = ("merged_into" IS NOT NULL))),
    CONSTRAINT "ck_accounts_minutes_credited_not_negative" CHECK (("minutes_credited" >= 0)),
    CONSTRAINT "ck_accounts_points_available_not_negative" CHECK (("points_available" >= 0)),
    CONSTRAINT "ck_accounts_points_held_not_negative" CHECK (("points_held" >= 0)),
    CONSTRAINT "ck_accounts_shortfall_not_negative" CHECK (("shortfall" >= 0))
)
WITH ("fillfactor"='70');
ALTER TABLE "rewards"."accounts" OWNER TO "wishtree_owner";
CREATE TABLE "rewards"."alembic_rewards" (
    "version_num" character varying(32) NOT NULL
);
ALTER TABLE "rewards"."alembic_rewards" OWNER TO "wishtree_owner";
CREATE TABLE "rewards"."attempts" (
    "event_id" "uuid" NOT NULL,
    "body" "text" NOT NULL,
    "attempts" bigint NOT NULL,
    "error" "text",
    "due_at" timestamp with time zone NOT NULL
);
ALTER TABLE "rewards"."attempts" OWNER TO "wishtree_owner";
CREATE TABLE "rewards"."backorders" (
    "id" "uuid" NOT NULL,
    "volunteer_id" "uuid" NOT NULL,
    "product_id" "uuid" NOT NULL,
    "points" bigint NOT NULL,
    "rule_id" "uuid",
    "rule_version" bigint,
    "status" character varying(40) DEFAULT 'waiting'::character varying NOT NULL,
    "voucher_id" "uuid",
    "created_at" timestamp with time zone DEFAULT "rewards"."app_now"() NOT NULL
);
ALTER TABLE "rewards"."backorders" OWNER TO "wishtree_owner";
CREATE TABLE "rewards"."code_looks" (
    "id" "uuid" NOT NULL,
    "voucher_id" "uuid" NOT NULL,
    "looked_by" "uuid" NOT NULL,
    "looked_at" timestamp with time zone DEFAULT "rewards"."app_now"() NOT NULL
);
ALTER TABLE "rewards"."code_looks" OWNER TO "wishtree_owner";
CREATE TABLE "rewards"."corrections" (
    "correction_id" "uuid" NOT NULL,
    "record_id" "uuid" NOT NULL,
    "minutes" bigint NOT NULL,
    "received_at" timestamp with time zone DEFAULT "rewards"."app_now"() NOT NULL
);
ALTER TABLE "rewards"."corrections" OWNER TO "wishtree_owner";
CREATE TABLE "rewards"."credited_records" (
    "record_id" "uuid" NOT NULL,
    "volunteer_id" "uuid" NOT NULL,
    "recorded" boolean NOT NULL,
    "minutes" bigint NOT NULL,
    "corrected_by" bigint DEFAULT '0'::bigint NOT NULL,
    "minutes_credited" bigint DEFAULT '0'::bigint NOT NULL,
    "points_credited" bigint DEFAULT '0'::bigint NOT NULL,
    "rule_id" "uuid",
    "rule_version" bigint,
    "rule_minutes" bigint NOT NULL,
    "rule_points" bigint NOT NULL,
    "worked_on" "date" NOT NULL,
    "category" "text"
);
ALTER TABLE "rewards"."credited_records" OWNER TO "wishtree_owner";
CREATE TABLE "rewards"."dead_letters" (
    "id" "uuid" NOT NULL,
    "event_id" "uuid",
    "body" "text" NOT NULL,
    "reason" "text" NOT NULL,
    "error" "text",
    "attempts" bigint NOT NULL,
    "died_at" timestamp with time zone DEFAULT "rewards"."app_now"() NOT NULL,
    "replayed_at" timestamp with time zone
);
ALTER TABLE "rewards"."dead_letters" OWNER TO "wishtree_owner";
CREATE TABLE "rewards"."denied_people" (
    "person_id" "uuid" NOT NULL,
    "valid_from" timestamp with time zone NOT NULL
);
ALTER TABLE "rewards"."denied_people" OWNER TO "wishtree_owner";
CREATE TABLE "rewards"."disputes" (
    "id" "uuid" NOT NULL,
    "venue_id" "uuid" NOT NULL,
    "reference" "text" NOT NULL,
    "reason_code" "text" NOT NULL,
    "voucher_id" "uuid",
    "opened_at" timestamp with time zone DEFAULT "rewards"."app_now"() NOT NULL,
    "status" character varying(40) DEFAULT 'open'::character varying NOT NULL,
    "due_at" timestamp with time zone DEFAULT ("rewards"."app_now"() + '14 days'::interval) NOT NULL,
    "decided_at" timestamp with time zone,
    "decided_by" "text",
    "note" "text",
    "amount_fen" bigint DEFAULT '0'::bigint NOT NULL,
    "settlement_id" "uuid",
    CONSTRAINT "ck_disputes_amount_fen_not_negative" CHECK (("amount_fen" >= 0))
);
ALTER TABLE "rewards"."disputes" OWNER TO "wishtree_owner";
CREATE TABLE "rewards"."exported_heads" (
    "exported_on" "date" NOT NULL,
    "number" bigint NOT NULL,
    "entries" bigint NOT NULL,
    "hash" "bytea" NOT NULL,
    "exported_at" timestamp with time zone DEFAULT "rewards"."app_now"() NOT NULL
);
ALTER TABLE "rewards"."exported_heads" OWNER TO "wishtree_owner";
CREATE TABLE "rewards"."failed_looks" (
    "id" "uuid" NOT NULL,
    "venue_id" "uuid" NOT NULL,
    "looked_at" timestamp with time zone DEFAULT "rewards"."app_now"() NOT NULL
);
ALTER TABLE "rewards"."failed_looks" OWNER TO "wishtree_owner";
CREATE TABLE "rewards"."feed_cursors" (
    "source" "text" NOT NULL,
    "cursor" "text" NOT NULL
);
ALTER TABLE "rewards"."feed_cursors" OWNER TO "wishtree_owner";
CREATE TABLE "rewards"."handovers" (
    "id" "uuid" NOT NULL,
    "kind" character varying(40) NOT NULL,
    "from_voucher_id" "uuid",
    "to_voucher_id" "uuid" NOT NULL,
    "giver_id" "uuid",
    "receiver_id" "uuid",
    "named" boolean NOT NULL,
    "wish_id" "uuid",
    "request_id" "uuid",
    "actor" "text" NOT NULL,
    "created_at" timestamp with time zone DEFAULT "rewards"."app_now"() NOT NULL
);
ALTER TABLE "rewards"."handovers" OWNER TO "wishtree_owner";
CREATE TABLE "rewards"."idempotency_keys" (
    "scope" "bytea" NOT NULL,
    "body_hash" "bytea" NOT NULL,
    "status" bigint NOT NULL,
    "answer" "bytea" NOT NULL,
    "created_at" timestamp with time zone DEFAULT "rewards"."app_now"() NOT NULL
);
ALTER TABLE "rewards"."idempotency_keys" OWNER TO "wishtree_owner";
CREATE TABLE "rewards"."inbox" (
    "event_id" "uuid" NOT NULL,
    "received_at" timestamp with time zone DEFAULT "rewards"."app_now"() NOT NULL
)
WITH ("autovacuum_vacuum_scale_factor"='0.02');
ALTER TABLE "rewards"."inbox" OWNER TO "wishtree_owner";
CREATE TABLE "rewards"."job_runs" (
    "name" "text" NOT NULL,
    "period" bigint NOT NULL,
    "started_at" timestamp with time zone DEFAULT "rewards"."app_now"() NOT NULL
);
ALTER TABLE "rewards"."job_runs" OWNER TO "wishtree_owner";
CREATE TABLE "rewards"."lock_outs" (
    "scope" "text" NOT NULL,
    "until" timestamp with time zone NOT NULL
);
ALTER TABLE "rewards"."lock_outs" OWNER TO "wishtree_owner";
CREATE TABLE "rewards"."outbox" (
    "id" "uuid" NOT NULL,
    "sequence" bigint NOT NULL,
    "txid" "xid8" DEFAULT "pg_current_xact_id"() NOT NULL,
    "type" "text" NOT NULL,
    "version" bigint NOT NULL,
    "subject" "text" NOT NULL,
    "data" "text" NOT NULL,
    "traceparent" "text",
    "created_at" timestamp with time zone DEFAULT "rewards"."app_now"() NOT NULL,
    "published_at" timestamp with time zone
)
WITH ("autovacuum_vacuum_scale_factor"='0.02');
ALTER TABLE "rewards"."outbox" OWNER TO "wishtree_owner";
ALTER TABLE "rewards"."outbox" ALTER COLUMN "sequence" ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME "rewards"."outbox_sequence_seq"
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);
CREATE TABLE "rewards"."pending_resolutions" (
    "pending_id" "uuid" NOT NULL,
    "outcome" character varying(40) NOT NULL,
    "actor" "text" NOT NULL,
    "resolved_at" timestamp with time zone DEFAULT "rewards"."app_now"() NOT NULL
);
ALTER TABLE "rewards"."pending_resolutions" OWNER TO "wishtree_owner";
CREATE TABLE "rewards"."pending_transfers" (
    "id" "uuid" NOT NULL,
    "debit_account" "text" NOT NULL,
    "credit_account" "text" NOT NULL,
    "amount" bigint NOT NULL,
    "cause_id" "uuid" NOT NULL,
    "volunteer_id" "uuid",
    "expires_at" timestamp with time zone NOT NULL,
    "actor" "text" NOT NULL,
    "created_at" timestamp with time zone DEFAULT "rewards"."app_now"() NOT NULL,
    CONSTRAINT "ck_pending_transfers_amount_positive" CHECK (("amount" > 0))
);
ALTER TABLE "rewards"."pending_transfers" OWNER TO "wishtree_owner";
CREATE TABLE "rewards"."pool_requests" (
    "id" "uuid" NOT NULL,
    "recipient_id" "uuid" NOT NULL,
    "holder_id" "uuid" NOT NULL,
    "product_id" "uuid",
    "need" character varying(40) NOT NULL,
    "status" character varying(40) DEFAULT 'waiting'::character varying NOT NULL,
    "asked_by" "text" NOT NULL,
    "voucher_id" "uuid",
    "received_before" bigint,
    "created_at" timestamp with time zone DEFAULT "rewards"."app_now"() NOT NULL,
    "ended_at" timestamp with time zone
);
ALTER TABLE "rewards"."pool_requests" OWNER TO "wishtree_owner";
CREATE TABLE "rewards"."pool_wishes" (
    "wish_id" "uuid" NOT NULL,
    "station_id" "uuid",
    "category" "text",
    "title" "text",
    "status" character varying(40) DEFAULT 'open'::character varying NOT NULL,
    "sequence" bigint DEFAULT '0'::bigint NOT NULL,
    "voucher_id" "uuid"
);
ALTER TABLE "rewards"."pool_wishes" OWNER TO "wishtree_owner";
CREATE TABLE "rewards"."products" (
    "id" "uuid" NOT NULL,
    "venue_id" "uuid" NOT NULL,
    "title" "text" NOT NULL,
    "points" bigint NOT NULL,
    "valid_days" bigint NOT NULL,
    "created_at" timestamp with time zone DEFAULT "rewards"."app_now"() NOT NULL,
    "cost_fen" bigint DEFAULT '0'::bigint NOT NULL,
    "daily_quota" bigint,
    "offered_from" "date",
    "offered_until" "date",
    "blackout_days" "date"[] DEFAULT '{}'::"date"[] NOT NULL,
    CONSTRAINT "ck_products_cost_fen_not_negative" CHECK (("cost_fen" >= 0)),
    CONSTRAINT "ck_products_daily_quota_not_negative" CHECK (("daily_quota" >= 0)),
    CONSTRAINT "ck_products_points_positive" CHECK (("points" > 0)),
    CONSTRAINT "ck_products_valid_days_positive" CHECK (("valid_days" > 0))
);
ALTER TABLE "rewards"."products" OWNER TO "wishtree_owner";
CREATE TABLE "rewards"."redemptions" (
    "id" "uuid" NOT NULL,
    "voucher_id" "uuid" NOT NULL,
    "venue_id" "uuid" NOT NULL,
    "reference" "text" NOT NULL,
    "channel" "text" NOT NULL,
    "redeemed_at" timestamp with time zone DEFAULT "rewards"."app_now"() NOT NULL,
    "reversed_at" timestamp with time zone,
    "settled_at" timestamp with time zone,
    CONSTRAINT "ck_redemptions_settled_is_final" CHECK ((("reversed_at" IS NULL) OR ("settled_at" IS NULL)))
);
ALTER TABLE "rewards"."redemptions" OWNER TO "wishtree_owner";
CREATE TABLE "rewards"."rule_runs" (
    "id" "uuid" NOT NULL,
    "proposal" "jsonb" NOT NULL,
    "since" "date" NOT NULL,
    "status" character varying(40) DEFAULT 'running'::character varying NOT NULL,
    "swept_to" "uuid",
    "result" "jsonb" DEFAULT '{}'::"jsonb" NOT NULL,
    "created_by" "text" NOT NULL,
    "created_at" timestamp with time zone DEFAULT "rewards"."app_now"() NOT NULL,
    "finished_at" timestamp with time zone
);
ALTER TABLE "rewards"."rule_runs" OWNER TO "wishtree_owner";
CREATE TABLE "rewards"."rules" (
    "id" "uuid" NOT NULL,
    "kind" character varying(40) NOT NULL,
    "scope" "text" NOT NULL,
    "version" bigint NOT NULL,
    "minutes" bigint,
    "points" bigint,
    "category" "text",
    "product_id" "uuid",
    "effective_from" timestamp with time zone,
    "swept" boolean NOT NULL,
    "swept_to" "uuid",
    "created_by" "text" NOT NULL,
    "created_at" timestamp with time zone DEFAULT "rewards"."app_now"() NOT NULL,
    "percent" bigint,
    "days" bigint,
    "count" bigint,
    "period" character varying(40),
    "automatic" boolean DEFAULT true NOT NULL,
    "effective_until" timestamp with time zone,
    CONSTRAINT "ck_rules_budget_has_points" CHECK (((("kind")::"text" <> 'budget'::"text") OR (("points" >= 0) AND ("product_id" IS NOT NULL)))),
    CONSTRAINT "ck_rules_coefficient_has_percent" CHECK (((("kind")::"text" <> 'coefficient'::"text") OR (("percent" >= 0) AND ("category" IS NOT NULL)))),
    CONSTRAINT "ck_rules_earn_has_rate" CHECK (((("kind")::"text" <> 'earn'::"text") OR (("minutes" > 0) AND ("points" >= 0)))),
    CONSTRAINT "ck_rules_expire_has_days" CHECK (((("kind")::"text" <> 'expire'::"text") OR ("days" > 0))),
    CONSTRAINT "ck_rules_issue_has_product" CHECK (((("kind")::"text" <> 'issue'::"text") OR ("product_id" IS NOT NULL))),
    CONSTRAINT "ck_rules_limit_has_count" CHECK (((("kind")::"text" <> 'limit'::"text") OR (("count" > 0) AND ("period" IS NOT NULL))))
);
ALTER TABLE "rewards"."rules" OWNER TO "wishtree_owner";
CREATE TABLE "rewards"."seals" (
    "number" bigint NOT NULL,
    "count" bigint NOT NULL,
    "entries" "bytea" NOT NULL,
    "last_txid" "xid8" NOT NULL,
    "last_id" "uuid" NOT NULL,
    "previous_hash" "bytea" NOT NULL,
    "hash" "bytea" NOT NULL,
    "sealed_at" timestamp with time zone DEFAULT "rewards"."app_now"() NOT NULL
);
ALTER TABLE "rewards"."seals" OWNER TO "wishtree_owner";
CREATE TABLE "rewards"."settlement_lines" (
    "settlement_id" "uuid" NOT NULL,
    "redemption_id" "uuid" NOT NULL,
    "stands" boolean DEFAULT true NOT NULL
);
ALTER TABLE "rewards"."settlement_lines" OWNER TO "wishtree_owner";
CREATE TABLE "rewards"."settlements" (
    "id" "uuid" NOT NULL,
    "venue_id" "uuid" NOT NULL,
    "month" "date" NOT NULL,
    "redemptions" bigint NOT NULL,
    "points" bigint NOT NULL,
    "fen" bigint NOT NULL,
    "disputes_fen" bigint NOT NULL,
    "closed_by" "text" NOT NULL,
    "closed_at" timestamp with time zone DEFAULT "rewards"."app_now"() NOT NULL,
    "reopened_by" "text",
    "reopened_at" timestamp with time zone,
    "reopen_reason" "text"
);
ALTER TABLE "rewards"."settlements" OWNER TO "wishtree_owner";
CREATE TABLE "rewards"."stocks" (
    "product_id" "uuid" NOT NULL,
    "left" bigint NOT NULL,
    "filled" bigint NOT NULL,
    "day" "date",
    "day_count" bigint DEFAULT '0'::bigint NOT NULL,
    "month" "date",
    "month_points" bigint DEFAULT '0'::bigint NOT NULL,
    CONSTRAINT "ck_stocks_day_count_not_negative" CHECK (("day_count" >= 0)),
    CONSTRAINT "ck_stocks_left_not_negative" CHECK (("left" >= 0)),
    CONSTRAINT "ck_stocks_month_points_not_negative" CHECK (("month_points" >= 0))
)
WITH ("fillfactor"='10');
ALTER TABLE "rewards"."stocks" OWNER TO "wishtree_owner";
CREATE TABLE "rewards"."sweeps" (
    "name" "text" NOT NULL,
    "day" "date" NOT NULL,
    "swept_to" "uuid",
    "finished" boolean DEFAULT false NOT NULL
);
ALTER TABLE "rewards"."sweeps" OWNER TO "wishtree_owner";
CREATE TABLE "rewards"."transfers" (
    "id" "uuid" NOT NULL,
    "debit_account" "text" NOT NULL,
    "credit_account" "text" NOT NULL,
    "amount" bigint NOT NULL,
    "kind" character varying(40) NOT NULL,
    "cause_id" "uuid" NOT NULL,
    "rule_id" "uuid",
    "rule_version" bigint,
    "actor" "text" NOT NULL,
    "volunteer_id" "uuid",
    "created_at" timestamp with time zone DEFAULT "rewards"."app_now"() NOT NULL,
    "pending_id" "uuid",
    "txid" "xid8" DEFAULT "rewards"."journal_txid"("pg_current_xact_id"()) NOT NULL,
    CONSTRAINT "ck_transfers_amount_positive" CHECK (("amount" > 0)),
    CONSTRAINT "ck_transfers_two_accounts" CHECK (("debit_account" <> "credit_account"))
);
ALTER TABLE "rewards"."transfers" OWNER TO "wishtree_owner";
CREATE TABLE "rewards"."venue_secrets" (
    "id" "uuid" NOT NULL,
    "venue_id" "uuid" NOT NULL,
    "kind" character varying(40) NOT NULL,
    "sealed" "bytea",
    "hashed" "bytea",
    "created_at" timestamp with time zone DEFAULT "rewards"."app_now"() NOT NULL,
    "valid_until" timestamp with time zone,
    "label" "text",
    "scopes" "jsonb" DEFAULT '[]'::"jsonb" NOT NULL,
    CONSTRAINT "ck_venue_secrets_kept" CHECK ((((("kind")::"text" = 'webhook'::"text") = ("sealed" IS NOT NULL)) AND ((("kind")::"text" = 'api_key'::"text") = ("hashed" IS NOT NULL))))
);
ALTER TABLE "rewards"."venue_secrets" OWNER TO "wishtree_owner";
CREATE TABLE "rewards"."venue_statement_lines" (
    "statement_id" "uuid" NOT NULL,
    "number" bigint NOT NULL,
    "reference" "text" NOT NULL,
    "voucher_id" "uuid",
    "redeemed_on" "date",
    "amount_fen" bigint
);
ALTER TABLE "rewards"."venue_statement_lines" OWNER TO "wishtree_owner";
CREATE TABLE "rewards"."venue_statements" (
    "id" "uuid" NOT NULL,
    "venue_id" "uuid" NOT NULL,
    "month" "date" NOT NULL,
    "lines" bigint NOT NULL,
    "body_hash" "bytea" NOT NULL,
    "uploaded_by" "text" NOT NULL,
    "uploaded_at" timestamp with time zone DEFAULT "rewards"."app_now"() NOT NULL
);
ALTER TABLE "rewards"."venue_statements" OWNER TO "wishtree_owner";
CREATE TABLE "rewards"."venues" (
    "id" "uuid" NOT NULL,
    "name" "text" NOT NULL,
    "kind" "text" NOT NULL,
    "created_at" timestamp with time zone DEFAULT "rewards"."app_now"() NOT NULL,
    "status" character varying(40) DEFAULT 'active'::character varying NOT NULL,
    "sandbox" boolean DEFAULT false NOT NULL
);
ALTER TABLE "rewards"."venues" OWNER TO "wishtree_owner";
CREATE TABLE "rewards"."vouchers" (
    "id" "uuid" NOT NULL,
    "holder_id" "uuid",
    "product_id" "uuid" NOT NULL,
    "venue_id" "uuid" NOT NULL,
    "title" "text" NOT NULL,
    "points" bigint NOT NULL,
    "code_fingerprint" "bytea" NOT NULL,
    "code_sealed" "bytea" NOT NULL,
    "status" character varying(40) DEFAULT 'issued'::character varying NOT NULL,
    "rule_id" "uuid",
    "rule_version" bigint,
    "issued_at" timestamp with time zone DEFAULT "rewards"."app_now"() NOT NULL,
    "expires_at" timestamp with time zone NOT NULL,
    "hold_id" "uuid",
    "held_until" timestamp with time zone,
    "ended_at" timestamp with time zone,
    "end_reason" "text",
    "origin" character varying(40) DEFAULT 'earned'::character varying NOT NULL,
    "cost_fen" bigint DEFAULT '0'::bigint NOT NULL,
    "reminded_at" timestamp with time zone,
    CONSTRAINT "ck_vouchers_held_has_hold" CHECK (((("status")::"text" <> 'held'::"text") OR (("hold_id" IS NOT NULL) AND ("held_until" IS NOT NULL)))),
    CONSTRAINT "ck_vouchers_points_positive" CHECK (("points" > 0))
);
ALTER TABLE "rewards"."vouchers" OWNER TO "wishtree_owner";
CREATE TABLE "rewards"."webhook_receipts" (
    "venue_id" "uuid" NOT NULL,
    "webhook_id" "text" NOT NULL,
    "body_hash" "bytea" NOT NULL,
    "answer" "jsonb" DEFAULT '{}'::"jsonb" NOT NULL,
    "received_at" timestamp with time zone DEFAULT "rewards"."app_now"() NOT NULL
);
ALTER TABLE "rewards"."webhook_receipts" OWNER TO "wishtree_owner";
CREATE TABLE "wishes"."alembic_wishes" (
    "version_num" character varying(32) NOT NULL
);
ALTER TABLE "wishes"."alembic_wishes" OWNER TO "wishtree_owner";
CREATE TABLE "wishes"."attempts" (
    "event_id" "uuid" NOT NULL,
    "body" "text" NOT NULL,
    "attempts" bigint NOT NULL,
    "error" "text",
    "due_at" timestamp with time zone NOT NULL
);
ALTER TABLE "wishes"."attempts" OWNER TO "wishtree_owner";
CREATE TABLE "wishes"."beneficiaries" (
    "id" "uuid" NOT NULL,
    "name" "bytea",
    "phone" "bytea",
    "consented_at" timestamp with time zone DEFAULT "wishes"."app_now"() NOT NULL,
    "guardian_name" "bytea",
    "guardian_phone" "bytea",
    "guardian_consented_at" timestamp with time zone,
    "erased_at" timestamp with time zone
);
ALTER TABLE "wishes"."beneficiaries" OWNER TO "wishtree_owner";
CREATE TABLE "wishes"."claimer_loads" (
    "claimer_id" "uuid" NOT NULL,
    "claimer_kind" character varying(40) NOT NULL,
    "active" bigint NOT NULL,
    "claim_limit" bigint NOT NULL,
    "standing" character varying(40) NOT NULL,
    "standing_sequence" bigint NOT NULL,
    "merged_into" "uuid",
    CONSTRAINT "ck_claimer_loads_within_limit" CHECK ((("active" >= 0) AND ("active" <= "claim_limit")))
);
ALTER TABLE "wishes"."claimer_loads" OWNER TO "wishtree_owner";
CREATE TABLE "wishes"."contact_looks" (
    "id" "uuid" NOT NULL,
    "wish_id" "uuid" NOT NULL,
    "beneficiary_id" "uuid" NOT NULL,
    "looked_by" "text" NOT NULL,
    "why" "text" NOT NULL,
    "at" timestamp with time zone DEFAULT "wishes"."app_now"() NOT NULL
);
ALTER TABLE "wishes"."contact_looks" OWNER TO "wishtree_owner";
CREATE TABLE "wishes"."dead_letters" (
    "id" "uuid" NOT NULL,
    "event_id" "uuid",
    "body" "text" NOT NULL,
    "reason" "text" NOT NULL,
    "error" "text",
    "attempts" bigint NOT NULL,
    "died_at" timestamp with time zone DEFAULT "wishes"."app_now"() NOT NULL,
    "replayed_at" timestamp with time zone
);
ALTER TABLE "wishes"."dead_letters" OWNER TO "wishtree_owner";
CREATE TABLE "wishes"."denied_people" (
    "person_id" "uuid" NOT NULL,
    "valid_from" timestamp with time zone NOT NULL
);
ALTER TABLE "wishes"."denied_people" OWNER TO "wishtree_owner";
CREATE TABLE "wishes"."feed_cursors" (
    "source" "text" NOT NULL,
    "cursor" "text" NOT NULL
);
ALTER TABLE "wishes"."feed_cursors" OWNER TO "wishtree_owner";
CREATE TABLE "wishes"."idempotency_keys" (
    "scope" "bytea" NOT NULL,
    "body_hash" "bytea" NOT NULL,
    "status" bigint NOT NULL,
    "answer" "bytea" NOT NULL,
    "created_at" timestamp with time zone DEFAULT "wishes"."app_now"() NOT NULL
);
ALTER TABLE "wishes"."idempotency_keys" OWNER TO "wishtree_owner";
CREATE TABLE "wishes"."inbox" (
    "event_id" "uuid" NOT NULL,
    "received_at" timestamp with time zone DEFAULT "wishes"."app_now"() NOT NULL
)
WITH ("autovacuum_vacuum_scale_factor"='0.02');
ALTER TABLE "wishes"."inbox" OWNER TO "wishtree_owner";
CREATE TABLE "wishes"."job_runs" (
    "name" "text" NOT NULL,
    "period" bigint NOT NULL,
    "started_at" timestamp with time zone DEFAULT "wishes"."app_now"() NOT NULL
);
ALTER TABLE "wishes"."job_runs" OWNER TO "wishtree_owner";
CREATE TABLE "wishes"."known_organisations" (
    "id" "uuid" NOT NULL,
    "name" "text" NOT NULL,
    "kind" "text" NOT NULL,
    "parent_id" "uuid",
    "sequence" bigint NOT NULL
);
ALTER TABLE "wishes"."known_organisations" OWNER TO "wishtree_owner";
CREATE TABLE "wishes"."outbox" (
    "id" "uuid" NOT NULL,
    "sequence" bigint NOT NULL,
    "txid" "xid8" DEFAULT "pg_current_xact_id"() NOT NULL,
    "type" "text" NOT NULL,
    "version" bigint NOT NULL,
    "subject" "text" NOT NULL,
    "data" "text" NOT NULL,
    "traceparent" "text",
    "created_at" timestamp with time zone DEFAULT "wishes"."app_now"() NOT NULL,
    "published_at" timestamp with time zone
)
WITH ("autovacuum_vacuum_scale_factor"='0.02');
ALTER TABLE "wishes"."outbox" OWNER TO "wishtree_owner";
ALTER TABLE "wishes"."outbox" ALTER COLUMN "sequence" ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME "wishes"."outbox_sequence_seq"
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);
CREATE TABLE "wishes"."wish_moves" (
    "id" "uuid" NOT NULL,
    "wish_id" "uuid" NOT NULL,
    "from_status" character varying(40),
    "to_status" character varying(40) NOT NULL,
    "actor" "text" NOT NULL,
    "reason" "text",
    "fence" bigint NOT NULL,
    "at" timestamp with time zone DEFAULT "wishes"."app_now"() NOT NULL
);
ALTER TABLE "wishes"."wish_moves" OWNER TO "wishtree_owner";
CREATE TABLE "wishes"."wishes" (
    "id" "uuid" NOT NULL,
    "number" bigint NOT NULL,
    "title" "text" NOT NULL,
    "description" "text" NOT NULL,
    "category" "text" NOT NULL,
    "age_band" character varying(40) NOT NULL,
    "station_id" "uuid" NOT NULL,
    "beneficiary_id" "uuid" NOT NULL,
    "need_by" "date",
    "status" character varying(40) NOT NULL,
    "claimer_id" "uuid",
    "claimer_kind" character varying(40),
    "fence" bigint NOT NULL,
    "lease_until" timestamp with time zone,
    "fulfilment_note" "text",
    "proposed_minutes" bigint NOT NULL,
    "submitted_at" timestamp with time zone DEFAULT "wishes"."app_now"() NOT NULL,
    "published_at" timestamp with time zone,
    "ended_at" timestamp with time zone,
    CONSTRAINT "ck_wishes_claimer_whole" CHECK ((("claimer_id" IS NULL) = ("claimer_kind" IS NULL))),
    CONSTRAINT "ck_wishes_held_by_somebody" CHECK (((("status")::"text" <> ALL ((ARRAY['claimed'::character varying, 'fulfilled'::character varying, 'confirmed'::character varying])::"text"[])) OR ("claimer_id" IS NOT NULL))),
    CONSTRAINT "ck_wishes_lease_while_claimed" CHECK (((("status")::"text" = 'claimed'::"text") = ("lease_until" IS NOT NULL)))
);
ALTER TABLE "wishes"."wishes" OWNER TO "wishtree_owner";
ALTER TABLE "wishes"."wishes" ALTER COLUMN "number" ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME "wishes"."wishes_number_seq"
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);
INSERT INTO "notify"."alembic_notify" VALUES
	('notify_0003');
INSERT INTO "notify"."alerts" VALUES
	('01a21a61-6c37-76c0-baf9-ce0430c54c2f', '01900000-0000-7000-8000-000000000003', 'wishes', '01a21a61-4ea0-744d-b493-137149736593', 'wish_submitted', '{}', '2026-11-27 00:22:02.00859+00', NULL),
	('01a21a61-6cb8-73ed-84ef-ecc278a029f7', '01900000-0000-7000-8000-000000000003', 'wishes', '01a21a61-4ec1-755f-a2f7-b45cf260033c', 'wish_claimed_station', '{"title": "一条保暖的毛毯", "lease_until": "2026-12-11T00:21:54.459232Z"}', '2026-11-27 00:22:02.165857+00', NULL),
	('01a21a61-6cb8-73ed-84ef-ecc1d86ad8ee', '01900000-0000-7000-8000-000000000011', 'wishes', '01a21a61-4ec1-755f-a2f7-b45cf260033c', 'wish_claimed', '{"title": "一条保暖的毛毯", "lease_until": "2026-12-11T00:21:54.459232Z"}', '2026-11-27 00:22:02.165857+00', NULL),
	('01a21a61-6cb8-73ed-84ef-ecc437f78235', '01900000-0000-7000-8000-000000000003', 'wishes', '01a21a61-4ed6-75a6-9e19-9e2734736072', 'wish_claimed_station', '{"title": "一起看一场电影", "lease_until": "2026-12-11T00:21:54.459232Z"}', '2026-11-27 00:22:02.165857+00', NULL),
	('01a21a61-6cb8-73ed-84ef-ecc3937eb2a2', '01900000-0000-7000-8000-000000000012', 'wishes', '01a21a61-4ed6-75a6-9e19-9e2734736072', 'wish_claimed', '{"title": "一起看一场电影", "lease_until": "2026-12-11T00:21:54.459232Z"}', '2026-11-27 00:22:02.165857+00', NULL),
	('01a21a61-6cb8-73ed-84ef-ecc63b06866d', '01900000-0000-7000-8000-000000000003', 'wishes', '01a21a61-4ee4-720c-86b9-9da4da02974f', 'wish_claimed_station', '{"title": "一个新书包", "lease_until": "2026-12-11T00:21:54.459232Z"}', '2026-11-27 00:22:02.165857+00', NULL),
	('01a21a61-6cb8-73ed-84ef-ecc5fece32f1', '01900000-0000-7000-8000-000000000004', 'wishes', '01a21a61-4ee4-720c-86b9-9da4da02974f', 'wish_claimed', '{"title": "一个新书包", "lease_until": "2026-12-11T00:21:54.459232Z"}', '2026-11-27 00:22:02.165857+00', NULL),
	('01a21a61-6cc6-748b-8b88-0bb7951ab28e', '01900000-0000-7000-8000-000000000003', 'wishes', '01a21a61-4ec5-71a9-9ba0-fd8ceb4690c7', 'wish_fulfilled_station', '{"title": "一条保暖的毛毯"}', '2026-11-27 00:22:02.165857+00', NULL),
	('01a21a61-6cc7-73c7-817a-2a51a1d65e26', '01900000-0000-7000-8000-000000000003', 'wishes', '01a21a61-4ed8-753f-a516-ea69ab872e55', 'wish_fulfilled_station', '{"title": "一起看一场电影"}', '2026-11-27 00:22:02.165857+00', NULL),
	('01a21a61-6cd9-7109-9d1d-2ed487e5aa57', '01900000-0000-7000-8000-000000000003', 'wishes', '01a21a61-4eca-74ff-83d6-9944779074e2', 'wish_confirmed_station', '{"title": "一条保暖的毛毯"}', '2026-11-27 00:22:02.165857+00', NULL),
	('01a21a61-6ccb-71b3-bfc7-673fc8bea3e0', '01900000-0000-7000-8000-000000000011', 'wishes', '01a21a61-4eca-74ff-83d6-9944779074e2', 'wish_confirmed', '{"title": "一条保暖的毛毯"}', '2026-11-27 00:22:02.165857+00', NULL),
	('01a21a61-6cdf-7193-bfb5-e993ce03be1c', '01900000-0000-7000-8000-000000000003', 'wishes', '01a21a61-4ecc-73c1-b95f-73bfb86f1fca', 'wish_submitted', '{}', '2026-11-27 00:22:02.165857+00', NULL),
	('01a21a61-6cdf-7193-bfb5-e994e08d24ec', '01900000-0000-7000-8000-000000000003', 'wishes', '01a21a61-4eda-7487-969b-41486b23d358', 'wish_submitted', '{}', '2026-11-27 00:22:02.165857+00', NULL),
	('01a21a61-6cdf-7193-bfb5-e9953fd9951d', '01900000-0000-7000-8000-000000000003', 'wishes', '01a21a61-4ee5-7287-9fdc-15a5ab27928a', 'wish_submitted', '{}', '2026-11-27 00:22:02.165857+00', NULL),
	('01a21a61-6cdf-7193-bfb5-e996a13436f8', '01900000-0000-7000-8000-000000000003', 'wishes', '01a21a61-4eec-77b2-a745-1e05df49a7f9', 'wish_submitted', '{}', '2026-11-27 00:22:02.165857+00', NULL),
	('01a21a61-6cdf-7193-bfb5-e9972613de7f', '01900000-0000-7000-8000-000000000003', 'wishes', '01a21a61-4ef3-721f-8e75-825a680b50d5', 'wish_submitted', '{}', '2026-11-27 00:22:02.165857+00', NULL),
	('01a21a61-6cdf-7193-bfb5-e9981e045f38', '01900000-0000-7000-8000-000000000003', 'wishes', '01a21a61-4efb-729f-a316-7f667f1331cd', 'wish_submitted', '{}', '2026-11-27 00:22:02.165857+00', NULL),
	('01a21a61-6cdf-7193-bfb5-e99996cb0c84', '01900000-0000-7000-8000-000000000003', 'wishes', '01a21a61-4eff-74eb-b0b3-41094aafce67', 'wish_submitted', '{}', '2026-11-27 00:22:02.165857+00', NULL),
	('01a21a61-6d7b-75ce-8320-f3126aa59789', '01900000-0000-7000-8000-000000000011', 'membership', '01a21a61-4e55-7161-9929-22e2469f3239', 'volunteer_activated', '{}', '2026-11-27 00:22:02.349414+00', NULL),
	('01a21a61-6d7b-75ce-8320-f3134a913bc0', '01900000-0000-7000-8000-000000000012', 'membership', '01a21a61-4e59-7653-8ac6-db843209a292', 'volunteer_activated', '{}', '2026-11-27 00:22:02.349414+00', NULL),
	('01a21a61-6d7b-75ce-8320-f3144344b254', '01900000-0000-7000-8000-000000000013', 'membership', '01a21a61-4e5c-7212-9ddb-78ea956a84e5', 'volunteer_activated', '{}', '2026-11-27 00:22:02.349414+00', NULL),
	('01a21a61-6d81-7079-be8f-5bf03f72ad13', '01900000-0000-7000-8000-000000000011', 'activities', '01a21a61-4e6f-71e8-991c-86877d0b6d21', 'signup_confirmed', '{"title": "周六社区环境清洁", "starts_at": "2026-11-28T01:00:00Z"}', '2026-11-27 00:22:02.349414+00', NULL),
	('01a21a61-ceb2-7744-a63c-6cad202fb9e1', '01a21a61-cdec-717c-855c-c6df8ddf07e2', 'membership', '01a21a61-cdfb-75c8-a2a1-036d76a32f5d', 'volunteer_activated', '{}', '2026-11-27 00:22:27.247348+00', NULL),
	('01a21a61-ceb2-7744-a63c-6cae2160ffb0', '01a21a61-ce02-72c2-9aaa-c857a95341a0', 'membership', '01a21a61-ce0b-7651-8c1e-dd761634e7a2', 'volunteer_activated', '{}', '2026-11-27 00:22:27.247348+00', NULL),
	('01a21a61-cf76-773d-a233-6feb865fc829', '01a21a61-cdec-717c-855c-c6df8ddf07e2', 'activities', '01a21a61-cf3e-765e-9b80-351d259cbe5d', 'signup_confirmed', '{"title": "社区夏令营 5e76db", "starts_at": "2026-11-26T22:17:27Z"}', '2026-11-27 00:22:27.444953+00', NULL),
	('01a21a61-cf78-71bc-8fa4-c765099da6e2', '01a21a61-ce02-72c2-9aaa-c857a95341a0', 'activities', '01a21a61-cf4c-712c-94cd-0fba37546d96', 'signup_waitlisted', '{"title": "社区夏令营 5e76db"}', '2026-11-27 00:22:27.444953+00', NULL),
	('01a21a61-cf79-750e-8b87-b3d8464bb9d2', '01a21a61-cdec-717c-855c-c6df8ddf07e2', 'activities', '01a21a61-cf57-7519-a5df-bffc18510909', 'checked_in', '{"at": "2026-11-26T22:17:27Z"}', '2026-11-27 00:22:27.444953+00', NULL),
	('01a21a61-cfb0-7171-ac07-6a927633614a', '01a21a61-cdec-717c-855c-c6df8ddf07e2', 'activities', '01a21a61-cf61-715a-a3d6-66fb96d13381', 'checked_out', '{"at": "2026-11-27T00:17:27Z", "minutes": 120}', '2026-11-27 00:22:27.502658+00', NULL),
	('01a21a61-cfb2-70d4-97df-972edd68f37a', '01a21a61-cdec-717c-855c-c6df8ddf07e2', 'hours', '01a21a61-cf6b-70d2-8971-02ec91121738', 'hours_recorded', '{"minutes": 120, "worked_on": "2026-11-27"}', '2026-11-27 00:22:27.502658+00', NULL),
	('01a21a61-d03d-70a9-b2ae-a266cf1a2812', '01a21a61-cdec-717c-855c-c6df8ddf07e2', 'vouchers', '01a21a61-cfc8-7639-b0b8-5765a18f98b5', 'voucher_issued', '{"title": "电影票一张", "expires_at": "2027-02-25T00:22:27.501538Z"}', '2026-11-27 00:22:27.644782+00', NULL),
	('01a21a61-d140-7117-9851-81cf1a8078bf', '01a21a61-cdec-717c-855c-c6df8ddf07e2', 'vouchers', '01a21a61-d0d6-700d-9d36-60494d97b255', 'voucher_redeemed', '{"title": "电影票一张", "redeemed_at": "2026-11-27T00:22:27.784105Z"}', '2026-11-27 00:22:27.903164+00', NULL),
	('01a21a61-d21c-76f1-9c3f-f68643184614', '01a21a61-ce02-72c2-9aaa-c857a95341a0', 'hours', '01a21a61-d17a-744c-a4f7-b4d6803d1e38', 'hours_recorded', '{"minutes": 100, "worked_on": "2026-11-24"}', '2026-11-27 00:22:28.12358+00', NULL),
	('01a21a61-d238-70f0-af30-0df41b271a59', '01a21a61-ce02-72c2-9aaa-c857a95341a0', 'vouchers', '01a21a61-d229-72b3-a850-01bfcf4d8cde', 'voucher_issued', '{"title": "电影票", "expires_at": "2027-02-25T00:22:28.124974Z"}', '2026-11-27 00:22:28.152258+00', NULL),
	('01a21a61-d2ab-71a4-ac23-85cb6deaea43', '01a21a61-ce02-72c2-9aaa-c857a95341a0', 'hours', '01a21a61-d296-7178-8f5b-72f5bf033193', 'hours_corrected', '{"worked_on": "2026-11-24", "new_minutes": 40, "old_minutes": 100}', '2026-11-27 00:22:28.262829+00', NULL),
	('01a21a61-d33a-7455-8628-72de207a5917', '01a21a61-cdec-717c-855c-c6df8ddf07e2', 'hours', '01a21a61-d319-7004-be45-3d55c3ae8132', 'hours_recorded', '{"minutes": 30, "worked_on": "2026-11-25"}', '2026-11-27 00:22:28.407164+00', NULL),
	('01a21a61-d33b-713c-8912-1e9fbd465a3f', '01a21a61-ce02-72c2-9aaa-c857a95341a0', 'vouchers', '01a21a61-d2bc-752c-9b0d-366406a16e75', 'voucher_voided', '{"cause": "correction", "title": "电影票"}', '2026-11-27 00:22:28.407164+00', NULL),
	('01a21a61-d438-7598-a670-39930b1e1d45', '01a21a61-cdec-717c-855c-c6df8ddf07e2', 'vouchers', '01a21a61-d3b1-728f-af52-e532a83afb35', 'voucher_issued', '{"title": "游泳一次", "expires_at": "2027-02-25T00:22:28.517709Z"}', '2026-11-27 00:22:28.664184+00', NULL),
	('01a21a61-d43b-77d9-88a8-9262190fd3ac', '01a21a61-cdec-717c-855c-c6df8ddf07e2', 'vouchers', '01a21a61-d3df-71f9-81ba-57ac1f7636a0', 'voucher_donated', '{"title": "游泳一次"}', '2026-11-27 00:22:28.664184+00', NULL),
	('01a21a61-d43b-77d9-88a8-9263ecaeec91', '01a21a61-ce02-72c2-9aaa-c857a95341a0', 'vouchers', '01a21a61-d3f7-7231-beda-434ae0bcd4b5', 'voucher_received', '{"title": "游泳一次", "expires_at": "2027-02-25T00:22:28.517709Z"}', '2026-11-27 00:22:28.664184+00', NULL),
	('01a21a61-d43b-77d9-88a8-9264f8aff52e', '01a21a61-ce02-72c2-9aaa-c857a95341a0', 'vouchers', '01a21a61-d419-724d-afab-bac421f53c00', 'voucher_redeemed', '{"title": "游泳一次", "redeemed_at": "2026-11-27T00:22:28.627611Z"}', '2026-11-27 00:22:28.664184+00', NULL),
	('01a21a61-e891-72fa-b92a-4dc986b796af', '01a21a61-cde0-765e-a441-7c5b736be41f', 'wishes', '01a21a61-e7b4-746e-9174-243118b06f61', 'wish_submitted', '{}', '2026-11-27 00:22:33.870574+00', NULL),
	('01a21a61-e894-7392-b0a4-9572d2278e7a', '01a21a61-cde0-765e-a441-7c5b736be41f', 'wishes', '01a21a61-e7e1-77aa-b4d5-481370555999', 'wish_claimed_station', '{"title": "想要一件过冬棉衣", "lease_until": "2026-12-11T00:22:33.692052Z"}', '2026-11-27 00:22:33.870574+00', NULL),
	('01a21a61-e894-7392-b0a4-95713d1ff8fe', '01a21a61-cdec-717c-855c-c6df8ddf07e2', 'wishes', '01a21a61-e7e1-77aa-b4d5-481370555999', 'wish_claimed', '{"title": "想要一件过冬棉衣", "lease_until": "2026-12-11T00:22:33.692052Z"}', '2026-11-27 00:22:33.870574+00', NULL),
	('01a21a61-e895-75f0-b864-b4e9d3a93657', '01a21a61-cde0-765e-a441-7c5b736be41f', 'wishes', '01a21a61-e7f3-71b0-b7db-41437c197168', 'wish_fulfilled_station', '{"title": "想要一件过冬棉衣"}', '2026-11-27 00:22:33.870574+00', NULL),
	('01a21a61-e896-701e-9022-a14bc46423c7', '01a21a61-cde0-765e-a441-7c5b736be41f', 'wishes', '01a21a61-e805-772f-959a-302f4d0bd698', 'wish_confirmed_station', '{"title": "想要一件过冬棉衣"}', '2026-11-27 00:22:33.870574+00', NULL),
	('01a21a61-e896-701e-9022-a14ae617d555', '01a21a61-cdec-717c-855c-c6df8ddf07e2', 'wishes', '01a21a61-e805-772f-959a-302f4d0bd698', 'wish_confirmed', '{"title": "想要一件过冬棉衣"}', '2026-11-27 00:22:33.870574+00', NULL);
INSERT INTO "notify"."ended_subscriptions" VALUES
	('01a21a61-cef6-72ba-830e-d07599079b07', '2026-11-27 00:22:27.722913+00');
INSERT INTO "notify"."idempotency_keys" VALUES
	('\x0b872b29cf6e082ea90767e5fd3d377c94049def31a281cf025753374e006f64', '\xd530fe33a7ed8580abf28db0db56f96a1163d8a3c1f4b40992716651a6563e5c', 201, '\x01cf5f5713cf038475933cbc688904f32b32c8f95bd87b2819f02e928c37a6f4a20b7f4a05fc34df634d811a7c4ccd20b27d6f65aca3b545fe64d09f70d822fa8fc7e9b7efb71219ca759c3e2dace57575582cf5331dd8ed7038839e4c03d3922da3401741da60c60a865f662355f628fba2f76f9f942d046d15730d6f38e94c2ea1a2838b9e20e1d0652e45475fe489226dca9e808be758ba103cb4bd24984d0e312d2eaeb6a9ffba8bf1d4ca696747424e3bb3804b8d016cba9f4538ecc6a16ae49bab1d16dbbbf121df5550a6089b12e16bd247d44cd935135989a1a8c7c793a2f41f05ee6d6678e88e49c5edd40a4b512b05855004b521d3ac2bbaab555559716a0bb97e082f656de9792dedf4c87d0b96323501051bf24214441ba93ce962a5b176e377d807d6e7bbc63be7ca637b8397e075426d1fb9de1df5fd0b978ac19071bfc309260a40f32862e042a9aa0cc56f74c79af1cbfc4ac0ff9852ed8210c4ecbf313bffebf92bcb14e88ccd2c9df8bb72e32bab0125e91dc17cf2a66a9392fefb48c22860', '2026-11-27 00:22:27.304208+00');
INSERT INTO "notify"."inbox" VALUES
	('01a21a61-4ea0-744d-b493-137149736593', '2026-11-27 00:22:02.00859+00'),
	('01a21a61-4eb9-7626-b1e3-7e40f8f53594', '2026-11-27 00:22:02.165857+00'),
	('01a21a61-4ec1-755f-a2f7-b45cf260033c', '2026-11-27 00:22:02.165857+00'),
	('01a21a61-4ec5-71a9-9ba0-fd8ceb4690c7', '2026-11-27 00:22:02.165857+00'),
	('01a21a61-4eca-74ff-83d6-9944779074e2', '2026-11-27 00:22:02.165857+00'),
	('01a21a61-4ecc-73c1-b95f-73bfb86f1fca', '2026-11-27 00:22:02.165857+00'),
	('01a21a61-4ece-72fa-8ecd-5f393b49b5a6', '2026-11-27 00:22:02.165857+00'),
	('01a21a61-4ed2-70bf-bd24-941fa0196e8f', '2026-11-27 00:22:02.165857+00'),
	('01a21a61-4ed6-75a6-9e19-9e2734736072', '2026-11-27 00:22:02.165857+00'),
	('01a21a61-4ed8-753f-a516-ea69ab872e55', '2026-11-27 00:22:02.165857+00'),
	('01a21a61-4eda-7487-969b-41486b23d358', '2026-11-27 00:22:02.165857+00'),
	('01a21a61-4edd-76e2-8073-de1b06e21d63', '2026-11-27 00:22:02.165857+00'),
	('01a21a61-4ee1-7739-a2fa-1ed021ec4439', '2026-11-27 00:22:02.165857+00'),
	('01a21a61-4ee4-720c-86b9-9da4da02974f', '2026-11-27 00:22:02.165857+00'),
	('01a21a61-4ee5-7287-9fdc-15a5ab27928a', '2026-11-27 00:22:02.165857+00'),
	('01a21a61-4ee8-7635-bfc6-4085ca2f8c9a', '2026-11-27 00:22:02.165857+00'),
	('01a21a61-4eeb-727a-93a6-f86f165300ce', '2026-11-27 00:22:02.165857+00'),
	('01a21a61-4eec-77b2-a745-1e05df49a7f9', '2026-11-27 00:22:02.165857+00'),
	('01a21a61-4eef-7050-b939-6873987369ba', '2026-11-27 00:22:02.165857+00'),
	('01a21a61-4ef2-71ca-899b-ceddf6276d9b', '2026-11-27 00:22:02.165857+00'),
	('01a21a61-4ef3-721f-8e75-825a680b50d5', '2026-11-27 00:22:02.165857+00'),
	('01a21a61-4ef6-7183-b6e6-6f537a9a846c', '2026-11-27 00:22:02.165857+00'),
	('01a21a61-4efa-750b-828f-3668ce8ecd74', '2026-11-27 00:22:02.165857+00'),
	('01a21a61-4efb-729f-a316-7f667f1331cd', '2026-11-27 00:22:02.165857+00'),
	('01a21a61-4efd-733d-99dc-0cb02e4e3f7a', '2026-11-27 00:22:02.165857+00'),
	('01a21a61-4eff-74eb-b0b3-41094aafce67', '2026-11-27 00:22:02.165857+00'),
	('01a21a61-4eb1-71d9-a551-2bc2f1e85412', '2026-11-27 00:22:02.300677+00'),
	('01a21a61-4e43-74a9-9223-3301c7370752', '2026-11-27 00:22:02.349414+00'),
	('01a21a61-4e47-75c9-9be2-ba4a29c0df76', '2026-11-27 00:22:02.349414+00'),
	('01a21a61-4e48-7340-a85a-2135fff96220', '2026-11-27 00:22:02.349414+00'),
	('01a21a61-4e4a-77e2-9298-e77e99f5cfaa', '2026-11-27 00:22:02.349414+00'),
	('01a21a61-4e52-75c6-b08d-f02b31b34ff0', '2026-11-27 00:22:02.349414+00'),
	('01a21a61-4e55-7161-9929-22e2469f3239', '2026-11-27 00:22:02.349414+00'),
	('01a21a61-4e57-72af-b354-ba09eb674b7d', '2026-11-27 00:22:02.349414+00'),
	('01a21a61-4e59-7653-8ac6-db843209a292', '2026-11-27 00:22:02.349414+00'),
	('01a21a61-4e5b-72ba-9f72-f89fc9b92a8f', '2026-11-27 00:22:02.349414+00'),
	('01a21a61-4e5c-7212-9ddb-78ea956a84e5', '2026-11-27 00:22:02.349414+00'),
	('01a21a61-4e64-745c-8497-089322ab1259', '2026-11-27 00:22:02.349414+00'),
	('01a21a61-4e6f-71e8-991c-86877d0b6d21', '2026-11-27 00:22:02.349414+00'),
	('01a21a61-cdc8-72ed-b2f9-23c9a2fb6898', '2026-11-27 00:22:27.247348+00'),
	('01a21a61-cdd7-7646-bea5-af07773ea6ae', '2026-11-27 00:22:27.247348+00'),
	('01a21a61-cde0-765e-a441-7c5c5b98d8f7', '2026-11-27 00:22:27.247348+00'),
	('01a21a61-cdf1-7364-a4af-480bf899a59e', '2026-11-27 00:22:27.247348+00'),
	('01a21a61-cdfb-75c8-a2a1-036d76a32f5d', '2026-11-27 00:22:27.247348+00'),
	('01a21a61-ce04-74bb-87c4-6e5df502745a', '2026-11-27 00:22:27.247348+00'),
	('01a21a61-ce0b-7651-8c1e-dd761634e7a2', '2026-11-27 00:22:27.247348+00'),
	('01a21a61-cf27-7036-b776-c2bd663d932a', '2026-11-27 00:22:27.382797+00'),
	('01a21a61-cf3e-765e-9b80-351d259cbe5d', '2026-11-27 00:22:27.444953+00'),
	('01a21a61-cf4c-712c-94cd-0fba37546d96', '2026-11-27 00:22:27.444953+00'),
	('01a21a61-cf57-7519-a5df-bffc18510909', '2026-11-27 00:22:27.444953+00'),
	('01a21a61-cf61-715a-a3d6-66fb96d13381', '2026-11-27 00:22:27.502658+00'),
	('01a21a61-cf6b-70d2-8971-02ec91121738', '2026-11-27 00:22:27.502658+00'),
	('01a21a61-cfc8-7639-b0b8-5765a18f98b5', '2026-11-27 00:22:27.644782+00'),
	('01a21a61-d0d6-700d-9d36-60494d97b255', '2026-11-27 00:22:27.903164+00'),
	('01a21a61-d17a-744c-a4f7-b4d6803d1e38', '2026-11-27 00:22:28.12358+00'),
	('01a21a61-d229-72b3-a850-01bfcf4d8cde', '2026-11-27 00:22:28.152258+00'),
	('01a21a61-d296-7178-8f5b-72f5bf033193', '2026-11-27 00:22:28.262829+00'),
	('01a21a61-d2bc-752c-9b0d-366406a16e75', '2026-11-27 00:22:28.407164+00'),
	('01a21a61-d319-7004-be45-3d55c3ae8132', '2026-11-27 00:22:28.407164+00'),
	('01a21a61-d3b1-728f-af52-e532a83afb35', '2026-11-27 00:22:28.664184+00'),
	('01a21a61-d3df-71f9-81ba-57ac1f7636a0', '2026-11-27 00:22:28.664184+00'),
	('01a21a61-d3f7-7231-beda-434ae0bcd4b5', '2026-11-27 00:22:28.664184+00'),
	('01a21a61-d419-724d-afab-bac421f53c00', '2026-11-27 00:22:28.664184+00'),
	('01a21a61-e7b4-746e-9174-243118b06f61', '2026-11-27 00:22:33.870574+00'),
	('01a21a61-e7c9-759b-b901-2fc52c110162', '2026-11-27 00:22:33.870574+00'),
	('01a21a61-e7d1-7033-9880-0c859818fcbd', '2026-11-27 00:22:33.870574+00'),
	('01a21a61-e7e1-77aa-b4d5-481370555999', '2026-11-27 00:22:33.870574+00'),
	('01a21a61-e7f3-71b0-b7db-41437c197168', '2026-11-27 00:22:33.870574+00'),
	('01a21a61-e805-772f-959a-302f4d0bd698', '2026-11-27 00:22:33.870574+00');
INSERT INTO "notify"."job_runs" VALUES
	('notify.deliver_due', 359147785, '2026-11-27 00:22:08.508305+00'),
	('notify.deliver_due', 359147786, '2026-11-27 00:22:13.491548+00'),
	('notify.deliver_due', 359147787, '2026-11-27 00:22:18.490924+00'),
	('notify.deliver_due', 359147788, '2026-11-27 00:22:23.499521+00'),
	('notify.deliver_due', 359147789, '2026-11-27 00:22:28.503422+00'),
	('notify.deliver_due', 359147790, '2026-11-27 00:22:33.503333+00');
INSERT INTO "registration"."activities" VALUES
	('01900000-0000-7000-8000-000000000031', '01900000-0000-7000-8000-000000000003', '周六社区环境清洁', 'service', 'environment', 'Light work outdoors; gloves and water are provided, a first-aider is present.', NULL, 'published', '01900000-0000-7000-8000-000000000021', '2026-11-27 00:21:54.367966+00'),
	('01a21a61-cf0f-77e2-aea9-6bb555a61276', '01a21a61-cde0-765e-a441-7c5b736be41f', '社区夏令营 5e76db', 'service', 'tutoring', '室内活动，注意用电安全', NULL, 'published', '01a21a61-cde3-709e-9787-fef3fc77d31e', '2026-11-27 00:22:27.338635+00');
INSERT INTO "registration"."alembic_registration" VALUES
	('registration_0002');
INSERT INTO "registration"."attendances" VALUES
	('01a21a61-cf1b-76a7-b0b6-56f97252f8e0', '01a21a61-cdec-717c-855c-c6df8ddf07e2', '2026-11-26 22:17:27+00', '01a21a61-cde3-709e-9787-fef3fc77d31e', '2026-11-27 00:17:27+00', '01a21a61-cde3-709e-9787-fef3fc77d31e', 120, 'recorded', '01a21a61-cf65-73e3-a3bb-ef777e70804d', false, '2026-11-27 00:22:27.411313+00');
INSERT INTO "registration"."coordinations" VALUES
	('01900000-0000-7000-8000-000000000003', '01900000-0000-7000-8000-000000000013', 'seed', '2026-11-27 00:21:54.367966+00');
INSERT INTO "registration"."corrections" VALUES
	('01a21a61-d283-734a-8538-3ed9bc228c9b', '01a21a61-d178-7621-a6d6-d5f8ef320394', '01a21a61-d293-7479-b6ac-96f6cf70ae28', '2026-11-24 01:00:00+00', '2026-11-24 01:40:00+00', '早退', 'approved', '01a21a61-cde3-709e-9787-fef3fc77d31e', '2026-11-27 00:22:28.224004+00', '01a21a61-cde4-74bf-9c71-cabd66af99fa', '2026-11-27 00:22:28.240804+00');
INSERT INTO "registration"."idempotency_keys" VALUES
	('\xacda8146c4b92ecc6811bb20d22d6cd7e3a96eeb9e4cbfb2feeae76cf2b59086', '\xbde81ba383d0a544cedc7985af9865c09b180cdd9712709000e6b924eed98779', 201, '\x01c1eaf76b5c41dc0be3e55a891a34285a8b1c45ebb48f43b88662d0ef130ca7524d42fa1a125df8a9217dbd9f3aa5050b61f4c8ade7ecec2a74879dea25f746f08afe68c3656c3091d3f75fee242687319c5401cbd6e5b1918f8dda9bc192bf5705f4d86745c446684904003cb8a963a6c01fdf6a933b4ebd522c2aa827cd3090780d8078b621b07e8e0578751d777ab61dca31df9d10ed3afbdbe7c4b2681e2009c3fd05fdc20a3b9267b2afbba67da5f5377f4ab7ed8f4c3dfd623330b3a96879', '2026-11-27 00:22:27.005893+00'),
	('\xde2954546c7a0035bf33e0cf1182fc85eae32d9909c4e6317eb1de25476c9d1e', '\xadfe9ccbfc96b9c6e069d6c4f0f29a31035a98cce9925b1b72715ea3ef478373', 201, '\x01c57c6d0c76f0fa66a657204c315f5572067a65a83c5c479e38fac425ff32a0c4df75cda50b2d16d1320c872a584c2ee8be9e8813fe4e767eafcfe058fd7cc204a7d28d6a692386c0b13e305ef35b5b2921e8db0d3abc6b3b654b9404e8f30b37c2239c4176d89d5e5c07d224636d5d1c47f4a8226e601c26453e5cf744c843110675afc03b2ce4e5c6c4806b5ec00ef01f6ab49fc26f4c46fe726f9c20ae1dbbc22c447d8a8878b0cc0f232f79f90514a60c8093fb8efb53a3de214d24c395a9b11670e350dd52256266558b51d59c75dd74845d5e49107871ad3da6ac', '2026-11-27 00:22:27.027953+00'),
	('\x5bad51ce1da7b01ad299c65e71f55b009db68b77f9a1c585ccdb27c54033e670', '\x969e3cc1a9c612c0710ff66c455416a86a9331b194f05e19f12dc7e9d85c2a55', 201, '\x0117b0c191a8e4e0f313b7ce311789329550353ff8e1c0a42b0f1c75acaf8b7b19f19847e0649fd46b8be6f6d8f52425e60f43ba71759f289f9bba341ad91d01877e6e77a822b0658f81d811280a1feab549d0921a8beb00764a5a179c8aa9bf37ae71521169dd352caae79f4412b209aaa6ce452ac305f802e53c6442c4d0355ac7e16354073a794711cd99ad6b509aee4c1f4ec1b3fdd85208e1c4dafff5a30ffd02edc4b0e8e07d664f034ba45aa5e855fe0c461df46afbb080c81928320f9c1627df7c9b12e9c1cf192b3f3299cd4da03404e0166ad04721da7d2dd9bf69', '2026-11-27 00:22:27.038951+00'),
	('\x053c033451c80f2691cc0a0b137e4f710f31d39579741edcebf18778b45f4535', '\x24d0222b1eb9e54b6461499b356040efecd2561f0b80d06203cacc2a4402b0cd', 201, '\x01594bd3a3bc3a82fc8fa6b1a2841ec79b09f5d174a4a99c4af15a5ab999c77deb3e5bebfc0d83d191ee80c9a109dea4774c98dce867a63286497441dcee84d51f2e62714fda69c561d99c93e0124b51f42cfd30eab7854d2256257e9a32a748d805281b2c66488573c8ed1a0629cbad7dd9d3a6216dd3fcd068a2b2b047d1c25771c07167ad202b132cc47b7e1f5b460c2d547f59796f6ea1f8c8a9669d17df848284fc4fb9d9a3a6', '2026-11-27 00:22:27.048363+00'),
	('\x37f56bb4afecd7a02d07da7ecf0ab4e7116fa888e3123f034da53e627e315d77', '\x474e219b4ac63ca1ed4724706a081fdec96460be040737b0290515e999c1da6d', 201, '\x014a9708fee7c60463999ee60c95b2c708260d1b50bff6401be5d249f32d9f6d33fb4dbd0fff7ddeb5e7856e90ef8bdd0f090c7de8d4137d48577fec71bf7d16b64578c31b082e91f2bce78c48f6aa0fbb4cdc521a8c64dc6ad84836f346bb891690229f261b4b873a1254cb729963f0b5731acd08de6387a3be3be3a307dc370e46a4b4bbeaa14bf2a1aa8ea59e0253ee880a3d593224f1a602a89025fed6c1b6d9f87d40103f55c6', '2026-11-27 00:22:27.073004+00'),
	('\x4af03947b119822f1901c55a7dbfe8e815bf9bbb2b0fa9077269470111061d13', '\x2c795c3988ff2f8d7842e125ca3288ecf3c5fab7884534170db78bf1222e08b9', 201, '\x0148c084bf42996b8cfc84a50b8409c81fcdcbbdd7fed3c36c9b90b8915440bc56ec07abbabe275668192793dbb302e285738bad8cf48e921be95038961b04ddba812150ed6b8a698f62fa9803873ce2899838d51d4db2963e2b231c41c375d8a21c77056394873761bbd2e15fa0dd41b4b46125eae52cc4e623899b2c19dcc37d2cedb761c7dbf16624c8e470c059ac16a8b67d062815ed63e280c3f6a4ce6df61ccce40c51c6530ae34a3151ef5d00bf06ae5ad01a02a49aa65f3d74962e5cd16ccfdc964e26551271dc71140b54520480c5e5310663997ea74d2db2bb08dff4d6c34a98eb8982653efacbd35c19d956af5f45100e7e36a56898de99dcc4c988dc10dd7e1aa2702cdadc35ac687ff31d9096b8dff864a462c0df398412e4f4a3fc3b013cf0f5a44f193ba012810ca5638ee211770b3bef6c56daff90b46e5a28ce327e8065855e3adfe5df81d5597345cece4e06cd5bdc5ba358079e47208b2164313cdd8fbdc976e6d0e55669013973657b2291cf03ac5472ade7ca5043be2e256c1fae902692b8066172a9ecaeeb7ce7151a15a72295060e9a79', '2026-11-27 00:22:27.338635+00'),
	('\x9cdc2d920507c4e9aad93266a9a0aac6dcb78760135e3884af12de38de5a8298', '\xafe5e0db2a66a7f43645d85d840037d0affa7c2f40a902eb5e793104ad3d9194', 201, '\x01afce78068da6fbcc1b5720150258b2e70cbb80a8871d830cab96486e09e51ca91d8c1b7d481cbc2a2a88ca62a70da7a6250398fd273c71b61dd5349a8283fc89d964456c5bb795ece6a13b530488807f3ae643263d42b1ad06009be26120d616b5d734b5a7b594d47cc548705806a1066c256637772ce9b3d9bc01a499e1f793b37e856af72fd28d417bea9f8b601d8be45caff663627f26e2f3c2428dc0fcde6be3235345739a90648edc91238ab00772db3e7bf5d803711122a634bc294a2f0106c5d237bdb55670dac84b9f2bda0f09e9008360119dbc5d99fd1f3eb620c70c4e4b08411db78d84fc8a9775a842475603782ed38b121525a7d18eb17dbf2db1de7a27433ace4d62c77330d728b77f4abbfdb5306bf6a54a039e2abbad0bb3b52e53f3d17704d4c22aa13b1afffcebeeaeca18e4c57dcaf98ad9caec513d2d958d', '2026-11-27 00:22:27.353565+00'),
	('\x5a9939f1aee1b17dccf5fdb36fce357f9543d294b77450964e6b51f80a4443b6', '\xeac055bd8fc08d3d7deb1b92cfab780dfcb914bbf6da28b62b14fa78c4550c54', 201, '\x010cbf425072e8fd476b3f45349e7539c92ae1612524b5af77067247ae3fa2518d6ac6715029052d3ebe523907462b33e5741e551fa706fc5513ca4b1904a2ed2b7727b2872ea1248c36c62af1299c54e1c39a704bc5805bad6ad7fb6e72b8bf5af2b990873ef3016fba7b5147d88c48673e5ff4f5d30840d03412712d19904777af19ddf18b82b77cd33815da03c58eb25b75e2fc19a4d48a08f470c9303a55', '2026-11-27 00:22:27.959579+00'),
	('\x95be656348fef0ee9013520233a3dfa37b8cab025f91c3ae4a4683294f617492', '\xeac055bd8fc08d3d7deb1b92cfab780dfcb914bbf6da28b62b14fa78c4550c54', 200, '\x014745ab8dad25a480ba7569723d3c1a8cc9d449f4df1beef379b0e28414bd1f64c624ab7e2742410441f8aaa909b520555908fd64f30e2f7c5c7c3eb7ec30fd4720f59749ef7915978700aea8e3f822af6f4cae59b12b53197bf1291caaec7417288e739800d0c717dec39736ca2c8c88d38d698f4ccfb014b41a7fb3d315aa5527686f1776eca544bce07ddc27439ab1f3b369f3829b17c44b9b7024cad93b', '2026-11-27 00:22:27.969529+00'),
	('\xe35eaca16f859da9863e2c76607db212136aaaa216bbfafdc1cb41635fdb6a8e', '\x81f1c9b056375e20d45df8a3d1954ac2d572e1c630d4eb287c7c33085d8319f1', 201, '\x0167e8598f8631235d7ebd3b6f9e279b040f5b6f5c81aa228edb87938475d119153865e9a9a8787cc12652b90257d2f47ff364070bdaabaf0208cf967693ca6180dfd404a9c4b09de74edcb0516866511b5b06665325509ccd33720f41aba2c8835c51afd3e80d6cd59fac771a5d2637b31e5debe918c3446e8c543ba4d529641fb72fe8479827df7bd2cc43df2cdf44085bf8089247a6d9a6c3bba69296', '2026-11-27 00:22:27.979426+00'),
	('\xb330bea73d17eac01c339d13309ed6c4c3cf07a216ecc3b785d75660f93ece75', '\x5457dd240f093f60ee17fcc158a6896743d2629293937ec6d512cb7abf5c9696', 200, '\x018e66ca9ea70826f8d416596474558dd13f5edac636e8a76d779db57affc1250ba44ff2246b94b8623360903517ff03b260044f14996f5d7321444ad45eb2172ddba1bf8c5c6a30449ac8ad52dbba855481b55aa6adb3be32d45e270a4384d33a98548f5ff1a704b445cc3cba26bc6873f925aa24d91c15f9492cc8b15dbc3762e3fb8f11d4d77046ed9ada405644da8e430a641f338c570f5f454c8b6d81f76fb094a371847db43a384e8e2e82d1b23073380853b4b5272d689da3fc63b553d657780461d00d694e1cfd06d532debdd5ec22f121b1ac7de01d2f9d613a67d5d748ff1625217ffa2bf0aefeb0f1d44d6dca9694f221499c56cd33a94f41932bbe804710b44525600eacf05c9c9a55bc0eca8828460b884e5a6951afcfb55334b820131f423446a11ea095f1efb0efe50f12a68c42979036b3986164bef26c19206910d76dd9dd7fec86134036135ec7f866d3dc518ee14652d9ff2a48d670504c4f8f88263c41d6cf349a3c0a0c9a32fc601e26bb02b166a9fe655064b9387f37718944fe448d4167b8adb6288633683835c6702217f70ca67bf7a2e0834ee6b6cbd4a05e681f66c5e21d9b582c83ddbc33f0a83c0f08ff7981e075adef314202d2dafffb0f9226296ce7a10b0e264513fdfa40e9eff6824e40bd61c5de5f4aa770637720dee7480f5a7748d7b263ad347a1fb376f0270925d0ddb7c26ff722798d9f72fe0d5e9d675aebd367b4f740c3f4b8c3c2bf848f5cf7c2ca92376ab52dd93aa59714f2bdfa', '2026-11-27 00:22:27.987501+00'),
	('\x73bf46613754b31431e51f93b571705184016f763d6d0d9fdaea16fb4fc5093a', '\x08500446496009dc9bce448501693f1a0f98ab5a45cc1c67ea998842b33b44cb', 201, '\x0161cda4f89d4e6fbda6baae248817941fcf4bdb0aa071a3f9f79e05701480879a4c86e2ac1c84608e6cd9ac0f39d7fe5cdb4e4373605cf626e335b53e912a5210f7670febfbbcf496a0bf9b0831753e9fc3497073ecafcb58813a804369fd4e98931edbdc0d523c62d9ea0b1b1c91b23052cd66b4891e865d1e1c43a25257b6408aef583b9df6a6f06473422628b924abc98bb519d30d38cb37a2ebd0d0f3b3331204058fd2f8724df378b52256d30933c0b63cf16c5a0162ca1566d95c3f72cc84338af1719462006a59d85d8c1078e5e7a7d663e8e19e2178c452dcf7716a0f1b0bd5758cb547447fdf1fbda75214d6438065578f14c91aa481029ced24172eec36111d7606b6924d1fd77ea5ae12cf27db778d5acb558705e56412afb2c6e11f7bf422b9d25ad06390f610030cbb22a9ed3510c94143257eeceb7dcc51139b9b703eca0ecd5f21764ea562a050ccac388ffe7db826ee674d5f20605f06d85c6b88da206564057ff26dcf29db299f67ed3dfe', '2026-11-27 00:22:28.224004+00'),
	('\x2e7eed8547a17fa76f90a9098f5a095d915f8673dbe1ccc1267115803235edf2', '\xc6457ced52c9d224a1a6bd19d0cc4093504e5d2c8f0d858081712cd0fb1ad218', 201, '\x01840adb369ea1d9d7323a910e0423b717d34baf77b11c06317927c5c1a550fed98ed943348eb2dcc55b9769fd552b16cde4dc059c763a2281a8bebf51f04e13a996ffe73185c4ac58620d0e8dda07a5d004cd153b7bfe89fa6e43f5001e213b06c0d4f53ea76b2c300052a0bd6b1e5ba68efa16ff4c500bfa23188eb76b9b0e4c62bfcd93b2c93ad4b1f4dcad7dc6469e4bc9e1e33169224a15c79c9bb843', '2026-11-27 00:22:28.375489+00');
INSERT INTO "registration"."inbox" VALUES
	('01a21a61-4eca-74ff-83d6-9944779074e2', '2026-11-27 00:22:02.738927+00'),
	('01a21a61-e805-772f-959a-302f4d0bd698', '2026-11-27 00:22:33.868526+00');
INSERT INTO "registration"."organisations" VALUES
	('01900000-0000-7000-8000-000000000001', '柯城区志愿者服务联合会', 'federation', NULL, '2026-11-27 00:21:54.367966+00'),
	('01900000-0000-7000-8000-000000000002', '花园街道志愿服务分会', 'branch', '01900000-0000-7000-8000-000000000001', '2026-11-27 00:21:54.367966+00'),
	('01900000-0000-7000-8000-000000000003', '花园社区志愿服务站', 'station', '01900000-0000-7000-8000-000000000002', '2026-11-27 00:21:54.367966+00'),
	('01900000-0000-7000-8000-000000000004', '星光影业公司', 'company', '01900000-0000-7000-8000-000000000001', '2026-11-27 00:21:54.367966+00'),
	('01a21a61-cdc1-71ff-998f-25882849dd4a', 'federation 5e76db', 'federation', NULL, '2026-11-27 00:22:27.005893+00'),
	('01a21a61-cdd6-75a0-a2f8-6b04b94de32c', 'branch 5e76db', 'branch', '01a21a61-cdc1-71ff-998f-25882849dd4a', '2026-11-27 00:22:27.027953+00'),
	('01a21a61-cde0-765e-a441-7c5b736be41f', 'station 5e76db', 'station', '01a21a61-cdd6-75a0-a2f8-6b04b94de32c', '2026-11-27 00:22:27.038951+00');
INSERT INTO "registration"."outbox" OVERRIDING SYSTEM VALUE VALUES
	('01a21a61-4e43-74a9-9223-3301c7370752', 1, '731', 'organisation.registered', 1, '01900000-0000-7000-8000-000000000001', '{"organisation_id":"01900000-0000-7000-8000-000000000001","name":"柯城区志愿者服务联合会","kind":"federation","parent_id":null}', NULL, '2026-11-27 00:21:54.367966+00', '2026-11-27 00:22:02.208224+00'),
	('01a21a61-4e47-75c9-9be2-ba4a29c0df76', 2, '731', 'organisation.registered', 1, '01900000-0000-7000-8000-000000000002', '{"organisation_id":"01900000-0000-7000-8000-000000000002","name":"花园街道志愿服务分会","kind":"branch","parent_id":"01900000-0000-7000-8000-000000000001"}', NULL, '2026-11-27 00:21:54.367966+00', '2026-11-27 00:22:02.208224+00'),
	('01a21a61-4e48-7340-a85a-2135fff96220', 3, '731', 'organisation.registered', 1, '01900000-0000-7000-8000-000000000003', '{"organisation_id":"01900000-0000-7000-8000-000000000003","name":"花园社区志愿服务站","kind":"station","parent_id":"01900000-0000-7000-8000-000000000002"}', NULL, '2026-11-27 00:21:54.367966+00', '2026-11-27 00:22:02.208224+00'),
	('01a21a61-4e4a-77e2-9298-e77e99f5cfaa', 4, '731', 'organisation.registered', 1, '01900000-0000-7000-8000-000000000004', '{"organisation_id":"01900000-0000-7000-8000-000000000004","name":"星光影业公司","kind":"company","parent_id":"01900000-0000-7000-8000-000000000001"}', NULL, '2026-11-27 00:21:54.367966+00', '2026-11-27 00:22:02.208224+00'),
	('01a21a61-4e52-75c6-b08d-f02b31b34ff0', 5, '731', 'volunteer.registered', 1, '01900000-0000-7000-8000-000000000011', '{"volunteer_id":"01900000-0000-7000-8000-000000000011","number":"0000000195"}', NULL, '2026-11-27 00:21:54.367966+00', '2026-11-27 00:22:02.208224+00'),
	('01a21a61-4e55-7161-9929-22e2469f3239', 6, '731', 'volunteer.activated', 1, '01900000-0000-7000-8000-000000000011', '{"volunteer_id":"01900000-0000-7000-8000-000000000011"}', NULL, '2026-11-27 00:21:54.367966+00', '2026-11-27 00:22:02.208224+00'),
	('01a21a61-4e57-72af-b354-ba09eb674b7d', 7, '731', 'volunteer.registered', 1, '01900000-0000-7000-8000-000000000012', '{"volunteer_id":"01900000-0000-7000-8000-000000000012","number":"0000000292"}', NULL, '2026-11-27 00:21:54.367966+00', '2026-11-27 00:22:02.208224+00'),
	('01a21a61-4e59-7653-8ac6-db843209a292', 8, '731', 'volunteer.activated', 1, '01900000-0000-7000-8000-000000000012', '{"volunteer_id":"01900000-0000-7000-8000-000000000012"}', NULL, '2026-11-27 00:21:54.367966+00', '2026-11-27 00:22:02.208224+00'),
	('01a21a61-4e5b-72ba-9f72-f89fc9b92a8f', 9, '731', 'volunteer.registered', 1, '01900000-0000-7000-8000-000000000013', '{"volunteer_id":"01900000-0000-7000-8000-000000000013","number":"0000000389"}', NULL, '2026-11-27 00:21:54.367966+00', '2026-11-27 00:22:02.208224+00'),
	('01a21a61-4e5c-7212-9ddb-78ea956a84e5', 10, '731', 'volunteer.activated', 1, '01900000-0000-7000-8000-000000000013', '{"volunteer_id":"01900000-0000-7000-8000-000000000013"}', NULL, '2026-11-27 00:21:54.367966+00', '2026-11-27 00:22:02.208224+00'),
	('01a21a61-4e64-745c-8497-089322ab1259', 11, '731', 'activity.published', 1, '01900000-0000-7000-8000-000000000031', '{"activity_id":"01900000-0000-7000-8000-000000000031","organisation_id":"01900000-0000-7000-8000-000000000003","title":"周六社区环境清洁","category":"environment"}', NULL, '2026-11-27 00:21:54.367966+00', '2026-11-27 00:22:02.208224+00'),
	('01a21a61-4e6f-71e8-991c-86877d0b6d21', 12, '731', 'signup.confirmed', 1, '01900000-0000-7000-8000-000000000011', '{"session_id":"01900000-0000-7000-8000-000000000032","volunteer_id":"01900000-0000-7000-8000-000000000011","activity_id":"01900000-0000-7000-8000-000000000031","title":"周六社区环境清洁","starts_at":"2026-11-28T01:00:00Z"}', NULL, '2026-11-27 00:21:54.367966+00', '2026-11-27 00:22:02.208224+00'),
	('01a21a61-cdc8-72ed-b2f9-23c9a2fb6898', 13, '762', 'organisation.registered', 1, '01a21a61-cdc1-71ff-998f-25882849dd4a', '{"organisation_id":"01a21a61-cdc1-71ff-998f-25882849dd4a","name":"federation 5e76db","kind":"federation","parent_id":null}', '00-d6654c7ba94a2e76a7929459fd7fa88e-549a16767d73bb6a-01', '2026-11-27 00:22:27.005893+00', '2026-11-27 00:22:27.227472+00'),
	('01a21a61-cdd7-7646-bea5-af07773ea6ae', 14, '763', 'organisation.registered', 1, '01a21a61-cdd6-75a0-a2f8-6b04b94de32c', '{"organisation_id":"01a21a61-cdd6-75a0-a2f8-6b04b94de32c","name":"branch 5e76db","kind":"branch","parent_id":"01a21a61-cdc1-71ff-998f-25882849dd4a"}', '00-86869070e2bcd9aaa6161bc47c9b2be4-1b54b88d485a8eb9-01', '2026-11-27 00:22:27.027953+00', '2026-11-27 00:22:27.227472+00'),
	('01a21a61-cde0-765e-a441-7c5c5b98d8f7', 15, '764', 'organisation.registered', 1, '01a21a61-cde0-765e-a441-7c5b736be41f', '{"organisation_id":"01a21a61-cde0-765e-a441-7c5b736be41f","name":"station 5e76db","kind":"station","parent_id":"01a21a61-cdd6-75a0-a2f8-6b04b94de32c"}', '00-939de7966cb505c6c067122d1f1625db-4a13f20473a1736d-01', '2026-11-27 00:22:27.038951+00', '2026-11-27 00:22:27.227472+00'),
	('01a21a61-cdf1-7364-a4af-480bf899a59e', 16, '765', 'volunteer.registered', 1, '01a21a61-cdec-717c-855c-c6df8ddf07e2', '{"volunteer_id":"01a21a61-cdec-717c-855c-c6df8ddf07e2","number":"0000000486"}', '00-2587e2f937cc0f78a09af617b0ed1424-7f2da54a152daa35-01', '2026-11-27 00:22:27.048363+00', '2026-11-27 00:22:27.227472+00'),
	('01a21a61-cdfb-75c8-a2a1-036d76a32f5d', 17, '766', 'volunteer.activated', 1, '01a21a61-cdec-717c-855c-c6df8ddf07e2', '{"volunteer_id":"01a21a61-cdec-717c-855c-c6df8ddf07e2"}', '00-081ab7795ba90fb58f199951bba4b11b-00a7544d87f7f3b6-01', '2026-11-27 00:22:27.065111+00', '2026-11-27 00:22:27.227472+00'),
	('01a21a61-ce0b-7651-8c1e-dd761634e7a2', 19, '768', 'volunteer.activated', 1, '01a21a61-ce02-72c2-9aaa-c857a95341a0', '{"volunteer_id":"01a21a61-ce02-72c2-9aaa-c857a95341a0"}', '00-712c71dd821ab2387cae4c90a20e34db-f232b8b11464a3ba-01', '2026-11-27 00:22:27.082588+00', '2026-11-27 00:22:27.227472+00'),
	('01a21a61-cf27-7036-b776-c2bd663d932a', 20, '780', 'activity.published', 1, '01a21a61-cf0f-77e2-aea9-6bb555a61276', '{"activity_id":"01a21a61-cf0f-77e2-aea9-6bb555a61276","organisation_id":"01a21a61-cde0-765e-a441-7c5b736be41f","title":"社区夏令营 5e76db","category":"tutoring"}', '00-3a0f70c64b5ca82e6be333eddad1da01-354fecd1df387e96-01', '2026-11-27 00:22:27.363406+00', '2026-11-27 00:22:27.372198+00'),
	('01a21a61-cf4c-712c-94cd-0fba37546d96', 22, '785', 'signup.waitlisted', 1, '01a21a61-ce02-72c2-9aaa-c857a95341a0', '{"session_id":"01a21a61-cf1b-76a7-b0b6-56f97252f8e0","volunteer_id":"01a21a61-ce02-72c2-9aaa-c857a95341a0","activity_id":"01a21a61-cf0f-77e2-aea9-6bb555a61276","title":"社区夏令营 5e76db"}', '00-2d63a9b7598babbc0c2f0a6227f0fbb6-0b858ba6b1719bca-01', '2026-11-27 00:22:27.397942+00', '2026-11-27 00:22:27.430784+00'),
	('01a21a61-cf61-715a-a3d6-66fb96d13381', 24, '788', 'attendance.checked_out', 1, '01a21a61-cdec-717c-855c-c6df8ddf07e2', '{"session_id":"01a21a61-cf1b-76a7-b0b6-56f97252f8e0","volunteer_id":"01a21a61-cdec-717c-855c-c6df8ddf07e2","at":"2026-11-27T00:17:27Z","minutes":120}', '00-51252409d4f1f215c5bd776faa15fa6d-9fb1d24c1545528b-01', '2026-11-27 00:22:27.422355+00', '2026-11-27 00:22:27.492414+00'),
	('01a21a61-cf6b-70d2-8971-02ec91121738', 25, '788', 'hours.recorded', 1, '01a21a61-cf65-73e3-a3bb-ef777e70804d', '{"record_id":"01a21a61-cf65-73e3-a3bb-ef777e70804d","volunteer_id":"01a21a61-cdec-717c-855c-c6df8ddf07e2","organisation_id":"01a21a61-cde0-765e-a441-7c5b736be41f","session_id":"01a21a61-cf1b-76a7-b0b6-56f97252f8e0","minutes":120,"category":"tutoring","bucket":"verified","origin":"attendance","worked_on":"2026-11-27"}', '00-51252409d4f1f215c5bd776faa15fa6d-9fb1d24c1545528b-01', '2026-11-27 00:22:27.422355+00', '2026-11-27 00:22:27.492414+00'),
	('01a21a61-ce04-74bb-87c4-6e5df502745a', 18, '767', 'volunteer.registered', 1, '01a21a61-ce02-72c2-9aaa-c857a95341a0', '{"volunteer_id":"01a21a61-ce02-72c2-9aaa-c857a95341a0","number":"0000000583"}', '00-c944d7648d20903287dcacebfeeece50-01dcf9cfa74f0370-01', '2026-11-27 00:22:27.073004+00', '2026-11-27 00:22:27.227472+00'),
	('01a21a61-cf3e-765e-9b80-351d259cbe5d', 21, '782', 'signup.confirmed', 1, '01a21a61-cdec-717c-855c-c6df8ddf07e2', '{"session_id":"01a21a61-cf1b-76a7-b0b6-56f97252f8e0","volunteer_id":"01a21a61-cdec-717c-855c-c6df8ddf07e2","activity_id":"01a21a61-cf0f-77e2-aea9-6bb555a61276","title":"社区夏令营 5e76db","starts_at":"2026-11-26T22:17:27Z"}', '00-f8898bce864a1771a82a5495b9f2b056-70dfee30b6feb92a-01', '2026-11-27 00:22:27.37709+00', '2026-11-27 00:22:27.430784+00'),
	('01a21a61-cf57-7519-a5df-bffc18510909', 23, '787', 'attendance.checked_in', 1, '01a21a61-cdec-717c-855c-c6df8ddf07e2', '{"session_id":"01a21a61-cf1b-76a7-b0b6-56f97252f8e0","volunteer_id":"01a21a61-cdec-717c-855c-c6df8ddf07e2","at":"2026-11-26T22:17:27Z"}', '00-44627cada8973e63d2341765515c56ec-f747973c34b909d1-01', '2026-11-27 00:22:27.411313+00', '2026-11-27 00:22:27.430784+00'),
	('01a21a61-d17a-744c-a4f7-b4d6803d1e38', 26, '808', 'hours.recorded', 1, '01a21a61-d178-7621-a6d6-d5f8ef320394', '{"record_id":"01a21a61-d178-7621-a6d6-d5f8ef320394","volunteer_id":"01a21a61-ce02-72c2-9aaa-c857a95341a0","organisation_id":"01a21a61-cde0-765e-a441-7c5b736be41f","session_id":null,"minutes":100,"category":"community","bucket":"verified","origin":"system","worked_on":"2026-11-24"}', '00-20d099fe34161c41df43529562eb8630-bc8410b523b0658e-01', '2026-11-27 00:22:27.959579+00', '2026-11-27 00:22:28.116059+00'),
	('01a21a61-d296-7178-8f5b-72f5bf033193', 27, '820', 'hours.corrected', 1, '01a21a61-d178-7621-a6d6-d5f8ef320394', '{"correction_id":"01a21a61-d293-7479-b6ac-96f6cf70ae28","record_id":"01a21a61-d178-7621-a6d6-d5f8ef320394","volunteer_id":"01a21a61-ce02-72c2-9aaa-c857a95341a0","old_minutes":100,"new_minutes":40,"category":"community","bucket":"verified","origin":"system","worked_on":"2026-11-24"}', '00-2b1918992d760101c79f566e8608ce9a-4f04ff6bf5654f06-01', '2026-11-27 00:22:28.240804+00', '2026-11-27 00:22:28.25168+00'),
	('01a21a61-d319-7004-be45-3d55c3ae8132', 28, '825', 'hours.recorded', 1, '01a21a61-d318-760d-8d79-325d3b855cce', '{"record_id":"01a21a61-d318-760d-8d79-325d3b855cce","volunteer_id":"01a21a61-cdec-717c-855c-c6df8ddf07e2","organisation_id":"01a21a61-cde0-765e-a441-7c5b736be41f","session_id":null,"minutes":30,"category":"reading","bucket":"verified","origin":"system","worked_on":"2026-11-25"}', '00-fb5428553c35a840077711ef3a274978-d91d804c547fb67c-01', '2026-11-27 00:22:28.375489+00', '2026-11-27 00:22:28.392732+00');
INSERT INTO "registration"."service_records" VALUES
	('01a21a61-cf65-73e3-a3bb-ef777e70804d', '01a21a61-cdec-717c-855c-c6df8ddf07e2', '01a21a61-cde0-765e-a441-7c5b736be41f', '01a21a61-cf1b-76a7-b0b6-56f97252f8e0', '2026-11-26 22:17:27+00', '2026-11-27 00:17:27+00', true, 120, 'tutoring', NULL, 'attendance', 'verified', 'recorded', 'attendance', '01a21a61-cf1b-76a7-b0b6-56f97252f8e0:01a21a61-cdec-717c-855c-c6df8ddf07e2', '01a21a61-cde3-709e-9787-fef3fc77d31e', NULL, NULL, '01a21a61-cf65-73e3-a3bb-ef777e70804d', '2026-11-27 00:22:27.422355+00'),
	('01a21a61-d18c-7726-a105-8d3b1ee2c84c', '01a21a61-ce02-72c2-9aaa-c857a95341a0', '01a21a61-cde0-765e-a441-7c5b736be41f', NULL, '2026-11-24 04:00:00+00', '2026-11-24 05:00:00+00', true, 60, 'community', NULL, 'system', 'supplemented', 'pending', 'system:clinic-5e76db', 'R-1', 'clinic-5e76db', NULL, NULL, '01a21a61-d18c-7726-a105-8d3b1ee2c84c', '2026-11-27 00:22:27.979426+00'),
	('01a21a61-d178-7621-a6d6-d5f8ef320394', '01a21a61-ce02-72c2-9aaa-c857a95341a0', '01a21a61-cde0-765e-a441-7c5b736be41f', NULL, '2026-11-24 01:00:00+00', '2026-11-24 02:40:00+00', true, 100, 'community', NULL, 'system', 'verified', 'superseded', 'system:partner-5e76db', 'R-1', 'partner-5e76db', NULL, NULL, '01a21a61-d178-7621-a6d6-d5f8ef320394', '2026-11-27 00:22:27.959579+00'),
	('01a21a61-d293-7479-b6ac-96f6cf70ae28', '01a21a61-ce02-72c2-9aaa-c857a95341a0', '01a21a61-cde0-765e-a441-7c5b736be41f', NULL, '2026-11-24 01:00:00+00', '2026-11-24 01:40:00+00', true, 40, 'community', NULL, 'system', 'verified', 'recorded', NULL, NULL, '01a21a61-cde3-709e-9787-fef3fc77d31e', '01a21a61-cde4-74bf-9c71-cabd66af99fa', '2026-11-27 00:22:28.240804+00', '01a21a61-d178-7621-a6d6-d5f8ef320394', '2026-11-27 00:22:28.240804+00'),
	('01a21a61-d318-760d-8d79-325d3b855cce', '01a21a61-cdec-717c-855c-c6df8ddf07e2', '01a21a61-cde0-765e-a441-7c5b736be41f', NULL, '2026-11-25 02:00:00+00', '2026-11-25 02:30:00+00', true, 30, 'reading', NULL, 'system', 'verified', 'recorded', 'system:library-5e76db', 'L-5e76db', 'library-5e76db', NULL, NULL, '01a21a61-d318-760d-8d79-325d3b855cce', '2026-11-27 00:22:28.375489+00');
INSERT INTO "registration"."sessions" VALUES
	('01900000-0000-7000-8000-000000000032', '01900000-0000-7000-8000-000000000031', '2026-11-28 01:00:00+00', '2026-11-28 03:00:00+00', '花园社区广场', 20, 1, '2026-11-27 00:21:54.367966+00'),
	('01a21a61-cf1b-76a7-b0b6-56f97252f8e0', '01a21a61-cf0f-77e2-aea9-6bb555a61276', '2026-11-26 22:17:27+00', '2026-11-27 00:17:27+00', '文化礼堂', 1, 1, '2026-11-27 00:22:27.353565+00');
INSERT INTO "registration"."sign_ups" VALUES
	('01a21a61-4e6c-75d6-a1fc-3d4ac84ec74b', '01900000-0000-7000-8000-000000000032', '01900000-0000-7000-8000-000000000011', 'confirmed', '["2026-11-28 01:00:00+00","2026-11-28 03:00:00+00")', 1, '2026-11-27 00:21:54.367966+00'),
	('01a21a61-cf3c-74c8-9dae-2f16a17a4d36', '01a21a61-cf1b-76a7-b0b6-56f97252f8e0', '01a21a61-cdec-717c-855c-c6df8ddf07e2', 'confirmed', '["2026-11-26 22:17:27+00","2026-11-27 00:17:27+00")', 2, '2026-11-27 00:22:27.37709+00'),
	('01a21a61-cf4b-72ef-ab8b-7ce6bae0a2c2', '01a21a61-cf1b-76a7-b0b6-56f97252f8e0', '01a21a61-ce02-72c2-9aaa-c857a95341a0', 'waitlisted', '["2026-11-26 22:17:27+00","2026-11-27 00:17:27+00")', 3, '2026-11-27 00:22:27.397942+00');
INSERT INTO "registration"."volunteers" VALUES
	('01900000-0000-7000-8000-000000000011', '0000000195', 'active', '沈芳', '\x01ed93717a1512c36fd454559fe1f1ea25455df82a31cdc1f13b4484eeed1849dd0b1968025b96870d32ff', '\x5c339ff613507f08aed1e418e972d49f3a6d7c0fdc064b43cd5ace68e42c8de6', '1990-05-01', NULL, NULL, NULL, false, NULL, '2026-11-27 00:21:54.367966+00'),
	('01900000-0000-7000-8000-000000000012', '0000000292', 'active', '王强', '\x011eecbd4634afab9787057049137247b62b5ed5faf2e8db8227881f414ffac080a8c5b66cd9d624c9e818', '\xbbd5874521bded92c9a218ebe12c308adcc10571a16b84370d6f355770d64f04', '1985-09-17', NULL, NULL, NULL, false, NULL, '2026-11-27 00:21:54.367966+00'),
	('01900000-0000-7000-8000-000000000013', '0000000389', 'active', '李静', '\x01c52e26557b51869123a59bdeae8968c77378fbabfc641a8ce8e0b350b647c2056be8ebd2d8e1b4de1b65', '\x7706ee8e396202f4dfc702d4cd00babae6a51c7fd1d3be3f89e63ce360ea1cec', '1979-02-03', NULL, NULL, NULL, false, NULL, '2026-11-27 00:21:54.367966+00'),
	('01a21a61-cdec-717c-855c-c6df8ddf07e2', '0000000486', 'active', '沈芳', '\x019443e0c8b33048c10efa3b7d4bd5ad4ef652d4c37025ccafb3b924af7835c32b8f73f1925a9ee53f21f8', '\x244c26318c70151b67c94462cb1b8fc639ad2d8339cbca6453abdcd25a0afacd', '1991-05-04', NULL, NULL, NULL, false, NULL, '2026-11-27 00:22:27.048363+00'),
	('01a21a61-ce02-72c2-9aaa-c857a95341a0', '0000000583', 'active', '王强', '\x0166030dab8499f00b0301c6d3150c17acb1c41dbd42f327e113079eb1b4053130008504a7afb6f0220083', '\x2064168ee213ce5c78cfe6d95f066252a51a74d31372b865a8907c7178d793fd', '1991-05-04', NULL, NULL, NULL, false, NULL, '2026-11-27 00:22:27.073004+00');
INSERT INTO "rewards"."accounts" VALUES
	('01900000-0000-7000-8000-000000000011', 0, 0, 0, 0, 'issue', 'open', NULL, false, 6, '2026-11-27 00:22:03.222227+00', NULL),
	('01900000-0000-7000-8000-000000000012', 0, 0, 0, 0, 'issue', 'open', NULL, false, 8, '2026-11-27 00:22:03.222227+00', NULL),
	('01900000-0000-7000-8000-000000000013', 0, 0, 0, 0, 'issue', 'open', NULL, false, 10, '2026-11-27 00:22:03.222227+00', NULL),
	('01a21a61-ce02-72c2-9aaa-c857a95341a0', 40, 0, 40, 0, 'issue', 'open', NULL, false, 19, '2026-11-27 00:22:27.242088+00', NULL),
	('01a21a61-cdec-717c-855c-c6df8ddf07e2', 0, 0, 150, 0, 'issue', 'open', NULL, false, 17, '2026-11-27 00:22:27.242088+00', NULL);
INSERT INTO "rewards"."alembic_rewards" VALUES
	('rewards_0005');
INSERT INTO "rewards"."code_looks" VALUES
	('01a21a61-d094-7355-b226-0c6a2a116b49', '01a21a61-cfc4-70bb-a666-199285a6556f', '01a21a61-cdec-717c-855c-c6df8ddf07e2', '2026-11-27 00:22:27.731304+00'),
	('01a21a61-d3cf-703b-a70d-a15146195539', '01a21a61-d3ae-746b-8cb3-ecede2f05edb', '01a21a61-cdec-717c-855c-c6df8ddf07e2', '2026-11-27 00:22:28.557787+00'),
	('01a21a61-d40b-72a3-a723-6b13995cb656', '01a21a61-d3f6-71ed-a272-73c04988096f', '01a21a61-ce02-72c2-9aaa-c857a95341a0', '2026-11-27 00:22:28.618956+00');
INSERT INTO "rewards"."corrections" VALUES
	('01a21a61-d293-7479-b6ac-96f6cf70ae28', '01a21a61-d178-7621-a6d6-d5f8ef320394', -60, '2026-11-27 00:22:28.262467+00');
INSERT INTO "rewards"."credited_records" VALUES
	('01a21a61-cf65-73e3-a3bb-ef777e70804d', '01a21a61-cdec-717c-855c-c6df8ddf07e2', true, 120, 0, 120, 120, '01a21a61-ce51-71aa-9ad2-3520304c337c', 2, 1, 1, '2026-11-27', 'tutoring'),
	('01a21a61-d178-7621-a6d6-d5f8ef320394', '01a21a61-ce02-72c2-9aaa-c857a95341a0', true, 100, -60, 40, 40, '01a21a61-ce51-71aa-9ad2-3520304c337c', 2, 1, 1, '2026-11-24', 'community'),
	('01a21a61-d318-760d-8d79-325d3b855cce', '01a21a61-cdec-717c-855c-c6df8ddf07e2', true, 30, 0, 30, 30, '01a21a61-ce51-71aa-9ad2-3520304c337c', 2, 1, 1, '2026-11-25', 'reading');
INSERT INTO "rewards"."handovers" VALUES
	('01a21a61-d3dd-7052-a326-65771c1c9151', 'donation', '01a21a61-d3ae-746b-8cb3-ecede2f05edb', '01a21a61-d3dc-7016-b022-67e8f040379a', '01a21a61-cdec-717c-855c-c6df8ddf07e2', NULL, false, NULL, NULL, 'volunteer:01a21a61-cdec-717c-855c-c6df8ddf07e2', '2026-11-27 00:22:28.567288+00'),
	('01a21a61-d3f6-71ed-a272-73c14aa15023', 'allocation', '01a21a61-d3dc-7016-b022-67e8f040379a', '01a21a61-d3f6-71ed-a272-73c04988096f', NULL, '01a21a61-ce02-72c2-9aaa-c857a95341a0', false, NULL, '01a21a61-d3e6-72ca-aa70-86c22af2c8d0', 'staff:01a21a61-cdb1-7592-9aed-ecbbdb1de385', '2026-11-27 00:22:28.589335+00');
INSERT INTO "rewards"."idempotency_keys" VALUES
	('\xb9e90459369e797fe28eeac62b78a5a36df280c6e826cb2aab308141d0f63efb', '\xea283247f01a03c58a651fed595c0036cae3d783f5a07faa06a46526987bb91b', 201, '\x0191e403a575c18b3d985747d0e724c1e203538064c001894b51f5680c85b5ad9235210bb6e272ad983c6ffe0df4ad92cd866e80d587ebac1ad1a66889cc78ab3f2d62ddd946e6df69ea242da3780855866547526ec469ac624c845de022ed1e3e41623d5cc64df5bf0de8b1937c4bc5fe4606b6b8060f57aeb002acf6615f9a56585ff2c1af2ea49ec80a81dd5fe3d2e187f243ed9b667b5cbb955bbe62166742b75e21ec9dab7c667edde3a4390126f36aaf12de5f0edf223729d9d57c9e910dff2dd4ec2e3c4bd277e5550e5a16822e50d64e47497037f60acb85230a3aaa731374df12281183a6dfaf4d047352d784198c191ccea525c0dafce91d953d376856c8d63abba6b25f0c7fcb3f22d05d', '2026-11-27 00:22:27.111089+00'),
	('\x4fa3d25b45abab67ddd36b6ba854ad623b95d2a690c69b4a18d9aa65b2229ba1', '\x253dc4ded0a9fcb4ccbb676369df7e33be0d949af6f97b0091d63f912feb508f', 201, '\x019fb2ab91c4fb60542baa9a47f4dd20c347d61f446c62fba8f9b2d2aafb0500dc3b774a2a8d180c30f1898ef132976e33e9eb0010776d3283accc2e8d81abce5c74a2cf555380e0abe21ad24d42795c6167e1cb6a9402ab229096e3f5f92a02b79687229fd431679eeabc3a86d5de64f10d373eaebec8c7372aa848bd47a87c95f8256f4b5c56bef284221fe489c6f5e15644ae172f1e1d2c8d772d567ec3e7ab7ae655d1cfd6cbc5f03c76ed5987e4d04a118a21609526e27ff6852d64149a9084af211012bdb3d58a9b7b1862a73f9801128f9dfeb8237d9454fe0ab5a7ca51ae306ab03b22d862ecc43199470c50a1589b9d3e3cc8a1f33339648b4cbbae33af3bef07d8f5539651cefe483c7d260969aa1278f3b56216ef0972bf229be6ed9c280d4ed1a7536fe933393fab91433b3d8511d483bb393c6a8715679b906209ee10a7e01ef001093b6824da362da1878bd8e1f5a85defa482fa4179c87bb6453656890a538459cfa66ef380c3d48db411e169dee3dcbf757e5b750eb364870c15b3fab5dbac511e620209b00813ea8933', '2026-11-27 00:22:27.139213+00'),
	('\x2a0e85dfac571b1ba6702ee1e625e03bd0cdbde90b26a3f5419ee2a490b098cd', '\x6f22e0790a7d327470c5a27d7b0b38d4b8ddab425a1d771063f5ad66fb14ffe1', 201, '\x013e451ff0a46ed1b5eee52062a5d49d41e76cd134719287ab44862bf5947cf9293dba63341cdc6f1f5debf4415d2fc0a3b9154e1a369fc35d471a603df64079dad05c0c3eac53a1e619d4b9b472e83fe02f760fbc2b42f56719360701d2fb8a647b19d43b7f33122d70860368ffbfa6a2f1dd4cdcf3c2acbe227b041e14320e4ba51007484b2f01e83bec74cf23454d5d7ceb38277ba883b45973a08e46dd6b6f4f67cf94519c12c8678ba88d4952952d6864cda1aa9832d92866d962f2fc51a7799145712b892ee5cce15432472b704051f423c641cdc046d2d07e2efad263050da8f32ed8b19a263c387a1c2b81545308d10de7c66d24710f1c0fcded9dc926125c869b2571c492e0a7d70a8ff7f6c059a127dc6ac2df2d87f8f52f88b3ab460ab9510fe320a1139a7725362e9c54049adf627c8bbed0e9b28e803b97b4eec098ce6f5a6e25bd0f36d28759055da705141f2aa3bf24bb825e2a04844d4d999a1ad1297b7f170ece879a3e5e786aa41568dacbf9bcad9ddcf44abecd8e9b12196499c4695838b86602', '2026-11-27 00:22:27.152544+00'),
	('\x1980f6070999df06c7244f6c36885ad78c39eea497d6c2f75fec42af9b5560d6', '\xb76d9a6aebfca037f075e44fca0342d2e51fef4eb91892d0c0127b39d4c87fe2', 201, '\x01d96b5d11d2bc4702b024ed49cf43bb9ae4f7105084e481daf07b9e83f804edf46586cba5bdc6b4af8ca32b483d72c8de9ee0202ad574b430b9a2349731bd511d51a9f991aaa4002424f291bc5e346f3bf78dfa22bee52f52b90402a17290099d957919a31295c21182c05e90e608bab5b20042573745466caa627ac163b241b47434d0ecb2ef9e734f6feef0c758aa08fa7f5300583be313e2861303ee705551f11c38edfff9cf0edd1d4bf8b4383f849c5158f822966dd37480f391fae91dffe6f305889db5241704b4c7c98d29e146d4213d505f1cc72c6e9ecac539e50d692abc00a0aa1fd8f81f5a77fd3433a153c18eb5d06eb3986f8e6eb1a4090d130219eced24a3c2df154e362655ee844eae2f34fca2f270dea90fd20febfa8d8a97f920a98ef7fe7dc1b545276105993ba5f4dcb60f834375e52982c2b296056e9379ab0d5c4214d97517de15d0e03058a487e6ea55d95e5ec03c08330bb8908e33332862169c84c6989f5c58724c27416cce2961a47c341f029732f2080dbe3c1aea6d8d931459dd5cc998a67f1318906a7da095cce0eb28377d5ac02dcbe0009469f8d6112ebd5e7e4c0a7da778535a19e972f06e', '2026-11-27 00:22:27.164744+00'),
	('\xba4ddb21cd908a655a549aa4f48dc92c506d0f8809f0df137f1b59f50d7b2d9b', '\xa9131aac61ea252a92b4323c40c12f4916f01051d0a58f42798e3ec1589a33f6', 201, '\x01f93d91c4a468daf0ab1111870383c15457fef7dc39925028ebb5874cc4e0666629c0b0c3ffe99f5f115bc41f01f6dedb29202dca373364d628608f449991d6d025d9031841d0ebb29f3cda10b31560dd768b4c0a3bd9665bb2f551098bb1a19bc5c87ad4774d4a74175156e9285015f673d91242e298beccd2121325085410415b4eb47a5b047624e45e39c5b0693444ed100fedebd532072cc08ec2f2c456a7478025f1a5f9ae141fb3252ab2656354b9d702a7eb64cfb53eab8f4aa39d1837e77e96e2e6cab6181997a81e2e75b42a677c07bb193c0fdc11237b9645e271f3179cb2992dedb5f7e326fd984cf50c6d02d215b7c42f67d78dd762cebf00a4a0fe6913d7993307fcfae3ef20b986528b34ee93345757f33abbd8920aa5', '2026-11-27 00:22:27.753565+00'),
	('\x97db702ff127e97e4b5d1e60d9d693cf422765c81abde6cba095e15c2c358da8', '\xb241adb7cf06a16064d8fdae12903a07db2cd75a845dc7081a318bb5467c54ab', 201, '\x01fb54eafb65bf3c7144754b47713abe38320edc0f8b88d60705953792cda63d54c2cffaedc07327063e13f7798e8655fd71db389d9b19409e74d819c931f52d5234fabb9c275162a8cf93d70fd5e2535cef893c6894bce65ffc015234b119008b2189273f82ab92a84bded629ab7ee939de8ee7194d95e78e4f0ae37a247d646355d04ca9904ddd86d2d204f4216deef606a6899c48cdea1f5010bd34444a644adc66ddbef9110673b3a74968c67a66d8f57bfce94a5dcf04cd8becb0d5ffd0b55d444f5387d60ddb3e552871fd3b4e75022c6ac9753d3eb55ae1f8f7a57dcdc5cccdfee383ea6d6ef2385572024050ff1f04b71011e453ed7710fccb0ef35241', '2026-11-27 00:22:27.762803+00'),
	('\x54bcc973b37bc2936125c85101d32f4eaa202047ae9084f31fefb64fad27aaec', '\x2d75fdc800afc87dbd274c825ac490f06a7dc61e6afd9e20c7c160eb12983d76', 200, '\x016ad4f583758f5f93423e0485d4b284669df57efac52252a64b1db035f2d5d74f4fbcbcb4330a03e28710c684564ffccc56e0ff390db3d3226b3d8511b4702ce19336008c3c155f6676ccbec1b53637deae1b5f0bb1c6e41ee05a883847c52b8ff3536b5cdd58c322d079d54b137847227f3d64111972a81d7951cf4001cd7eceb38444d28b6adaabb36253543185e5a575fa4a32468eb01e15ea169c4b9ad1a7cacd2d931bd79ed343cdd8ca08385f806917fdae300a49e7de49d4b5dca9c6d9819010c1664d549e454b3825373c78e50220b0ca4683a8a6e300473a01feb412aa15e9bafed24cf6bf7e8f9e6ba1cc2947711eddcb2f4487b13c0cb68382fe357af3f8eaca39cceb7985a77c02c7aed193476d008794a128088b1476a7cba15d6bbc76cf447fb31b17984d76e9b9cd1a655ac57d3c8cb8171571009d2f9785f68bf4cd0ad70db7ee5e7838a216640834567c05f96b744dbd2f0a0143f0bbfd557c467c0668c87201b7df1fcf6bcf32bcf3e3aa4800609a9c94b4c8645c4bf6e4b0b3fe8d3192', '2026-11-27 00:22:27.819509+00'),
	('\x067f5df3a5c2dbe90b484249d1bcf300d87017473847fceda4472019d8447dbe', '\x99779b75178020b7d6193df657186b5c5e295a4be43f3c6dbb2fe854692f15b5', 201, '\x01e0eb17c1e12903816c80e363783104a0f795e58786b73065d4ad593a517261341f3ec2c96976d853efd0e69ad2618bcb0df467bc52d4da785d9935d7b8f7d19612cce273e276ebac11a3944f4f0917aaf27d48d52543a4d913c715c31e92e8154c48409b37283d0c4a75c3fbc0688db4350d075f3c481875a1615a2a521063d2801325502bd2cd747908324a08262f3c1a8553d2827901911f31eab37864c7728018e13e86e63a434b56f0496aeae3e008f93be5d3c34983e1a6e0e14349d7797d3118c1b7fc9476d65257f1a25a0c2d37c9fd257459382bfcc10db593fd26bb113730899eb2ed47a2f99ba5a74c880d16abc840488be3834f542b2b42a51ebda5fc1e89236ad1395ea1f127715e43fe8a184cb3cffc8ae0dcc7cdbe4c9c947c58bc303b9f7ae9c392ff627d3b8ec45cc32b728d1ade55a43e8a1a2036b5407ee95ecc04d97cd0e555f2c2b2844420b9d644d437424dba03fde1cef15547fc5e62b1a4f2430ea9f472af7b1da9a793fe6242f0840efb8dda1c2d2d593cbaaa0ce05a60da981678c6d2febf9b39001920dba4eb709e94', '2026-11-27 00:22:28.503053+00'),
	('\x1c43b195acccf89087ebee726277aac440c2c0c20d49da5b2b507c0a3b16bc72', '\x636d9c9492041d99dfdcf74c98c1099af6213f30c4a573e0fc09e452f208eae2', 201, '\x0185e54837cf1dc4fc14dbcdfbfdf19834d5c95a405425f6a3e21734edb507c4baa4dbc32d273ce4c122c21347583cc6188889c4d6406b28ece802d23d106290877732649af9a2a9cd8a9bda2f91e590eabb73d9c6b3d25810d8d267f548e375ce4402addcd0dac57cc83409935fa67c5541cd1a86c43a947dd714417804669edf0094847616335dc87a88b099e4ad3d777632e50cec0dfa51504f3f7c2462d08d033e4c338a83729cbae6ca90e2fc0bdc84772407165b80010b256a11885765e0a570d193d4bd9472d685855375436f274b39da22299ac903a7cef93a778d27f15532a4bfdf589d4f9c9989b067d12eba9448d774628bed5242ecd2c3c38b08785e99c54ca3bb80b5d08848824747bddfcca6036d3f2c52d93cdb1452afe45e6113ba63bc1f3c1320630165648d4ef53dc32d7f894e1adec0ff58a694764f4cc6d785150baf4e42388af4a015551a5d7f388a4b2673eb26702c5cf78aa189ff32c6d84783df35bd09c30cf67e8daac788b7827432b317d98929cbf9e88ac5311fb00f5a57b17d29d03e944009d90961de77fae1bb4235f87f9d634b8ded1b07ff43c5a374a5fd98477a30f2b85967f18407b5dc7bfc', '2026-11-27 00:22:28.51019+00'),
	('\x9da244fc95cb4ff8b3535fcb8c5adbdd30014064cfd28095b0945e4b9a0971ae', '\xba5a72cbe0b61f93d9c80afb71d35d1bbf6c0107f849ffbe57f69ce1d8063592', 201, '\x01c7b5dbfe51f471dd4390ca0c0044f03b924e91200f3c5426d1f75334ad0bcd7c3b28cacb434491ef87bd4ab413d449b90586d4ca43637a151b20db19038a5fa811ad5ccfbe34c7903d6c5ee4ff2701f482876f8e78ec6f685b72d112d01583bca820a4cf78f1f98d75f803b5005a00bb02cc05cd6cd15857ea08ce6a1a30aa5e8f227e7d739e623181ac245c04865fff1bc324279d138c62254eb2452cefe5dc1660ce63b10b1fe3a9a8fdd3773c4240ad29439169bd5ce9181d6954e5912193e2ad8be0adb6b3a6e54a85da2a46206ab002ca50fb21b09db1e4978fe89845ab82f4085d47f4f084b076d3e11eba11fdd4962cabc94535a1d5bf41f4a87e3e773c111ac2b574689c755068409c36c61005bab58e6678920df44a5f492e8b09394295f98ad3937a5b83ee09a5cfd4631728a544d48d50a7664ad10c7ca19fdb4bee1818c6cefba853147d59c90436e3dc20de366d3dbc4cbbeab6d0c00b61f1abddd2a876f822549df11ab02b908ca2d3ce5b8f3fb8c42896cd1ae5fb0a27a59173d902f284ffc81efcfbd7e1143640abe20d084d0d1628dbda8b760ab1cd0d4dc2ed441b905230fe5dbb3726bf4cd681b38413391fd3d76619d1866260a3fdf3ef400ca99934d787d09e36817e85c2c964360d05ea930786a88d6f0e69b4018e4a35332dadb068d894f9b513ccd3614d9e7c654d0096375fcd36a7b1e37bea89da4385f5cb96bde02e7a7baa8d59f5240057bf', '2026-11-27 00:22:28.517709+00'),
	('\x0f9087c3dfcce51ffe55d192b17a53878cd08270fc62bfebca304f007704557a', '\xf0357428ade69c84a69b99b696763d869ab07085a35971f9ae70ced90f40f46f', 201, '\x015f39015207a332d66ab7531ae09f6e29a55f3bffbca2e7ea44994f300ed0c2cffd9ddeecd1c1018b3d419e3b3e2c54e45ca7447485ee9ed953f3b348df2689bed7bbdbf91cf56ae8401efa07446dfe525f932d0cab0dda1931afb54ca292ce6624ad58128f6bd0be4e541e71411fe688fac2209563b081b3ac9e36bb72e67ecaab9100bf5e94896a5c5c9d932deb2a5cd8cd4815cfa9cd9807bc5bb32a77061e1f6a3ec6527572a46613734e4b936655ac716194968e1dcfe6a7e4d9bdc345489fe0f57e40305bdbbe2f95993ee4be547993f3de88fc7344', '2026-11-27 00:22:28.567288+00'),
	('\x6a2283cd857ff9d3f2054b337853f424b99cd30c076396658efd00a3fd88a344', '\x59e6811295271592512931eb3c9866d2b18b8f2731e2e4257b389d39cc291996', 201, '\x01a0537fae87e36d8cebbf33f392b7dc73094a15352806a21b4fa2a3073597c9ea6c822c07ea15bb71d89524c954b1bf6b6ab7af97d018ebb986a70ce86bf493210a9cf07ec68aa24b15dee4b9ad4d7fcb19aae71e9a495b5599cb8d0bc6c7b007bbcc9eeb0b36f2960d82e9db87b60087183cb0d7230f7a0ad100841b32325894ca8fa1e0d44d01788727e4c533688adae35d1afdda13f99d6e0b76dc8edbd2e7e252b1f1b6a9238c418ed5772d70c78eae567cde88b0c477fefaa5d16e7a026903a89eb7df1b274a28a03e75f66464894ca8dcc63e22c384e564706cefc6d8a9af540f09e97545b50e3d142eb398f27bc10287ff5e976b9ec4d6dc378dcef68a138eba8017490cb249ffdbc316c84b45fce6efc465ed7dcdb59d868e13eae43d1b02510423d97ef881b637394de24b997078b043f93e92be8f8840a8b6faedd7648e2c55acf577d778bb2fb7ce50ca67fd243643f9c0708968de2630dc6d36761c84e5488874f55af6556b1c0bca2279d5d12100027e6b676d086744c03ce8763f43b10e19c25385f5e751ac320b5c71b7804f6ea461f81c97788a523d38a7', '2026-11-27 00:22:28.581165+00'),
	('\xffa4d17116ac4b579fa0bf150b1a6a96718bd8604275b19ba8cd11e42fe1ee79', '\x206dcd4436cfa3c491f6a4f20dd4fbd043f499df278b2bc47581eb52df888d54', 201, '\x0102150136ebfe34a07a353307cb67cbe2ceffc924c5599442d37769d47edd745ffbc76ce2180d660303d9d7870d55d4e37701a33d846690081d4d886e97abace906488cc04fd2d2d6cf250ca13daf077b21a7c044f76b11787a668a7d8ae66e206f91e105c2db0e3a18aace4788cd4129f301718f5b777d7692f24e307a525e5c9247955cb2aed5e3b78fe46304bdc96f95cde274bad685b7dac47eeaa8050eb7242ad10d5e0251517d9ec36e8856ebfbbb6c0fe929ae3e08813ae92a0ad94d6bc54b00de62183955c44d1ebf75f344ec0198ba01feff6676cb1e1c5e70577099402d1dbc1dd431c565468d37175aea183b381aaa113b73bf7b2bbf17e87d9e17d490d509a92f9a70ff0e05c25ff24a033413c233caf78bde0f98e52f345e603fe65873e39e9baec4d8dfa6f75c5acc52f4f0363940ad5a43430a8d59c6d1d077785586783d1f977f6cb3a341735afed45a598cc13cb72775201b3e1fd0cc605a72547730ebbfb23c333c3ae3b73bff1088450fbf106deea5e9adb566a29e8731628a17adc094fc62e3b5ad71c501a17808d7dfa8d8797611d712d957dcff866fbcff60deaa6bd0647812ee0fab9dc0936e84f12de466a4fea451efb35acb29a4944409a31ad7699fb66482367d6f0953436596a9734ec6c392d6562fb8b405e706484003a411d5e3d380a88a', '2026-11-27 00:22:28.589335+00'),
	('\x84d3ea18ef65d17437730f7a034145471d6d86406cb320551c6f696ac2a8d11e', '\xa9131aac61ea252a92b4323c40c12f4916f01051d0a58f42798e3ec1589a33f6', 201, '\x01acb9d332f137936c6babf75e1c668810aaf685331b6c72e0043472e928baadf969fcbdfd97e20c4d57b98141c87598646f6a90dafd3ef0a1c2a8d9386a8894f1730d1aaea616666c777cbd3947676405aa6aa9e80f2232045d19ad66118546ef2453fb08d0a41f4f6ca2a764d6ea392a5ac71f0cb8964faf8b5aecd5cba806df4195c1f33756ff5de62d8729c067bb835ee538a551831a1ab50c951de263ee1f49c10a8503237ef5d3e3601f5f06d90e98b9dd72e10ce5b01842b3c6cb726daf5400170588d77082c315228a012f84955cbbf4eb68cb08023813bb9b34b6348f5273fbf043fc15a6ece9b26c95da1ef68989e0e9eecff32216e7301d7b690e952339c31b47e23604dadce28ae657122ec7b3cf7a337cd6df5c81fc4413', '2026-11-27 00:22:28.609568+00'),
	('\xd61f25f6d5ad3cfad1edc28be6d611c2318df41ff561a6c1dee9c9f4b9c56e71', '\x2ec5da8d9ef2f52ae465afc4d9b5313f5eba0f7a538b39eb9cdc8041850f374e', 200, '\x016f2e571b85198b386581dd9639a3bcef1ce6508deeeb53ae92971f84159968562da8217e606e6e07a7e8ba5195c3def33548ab48b880f0c86ab9875d5d03b8c1d8a5f3df93fb86ba42868449a4c5e133f4eff88122c0b7ac23bd86dc1254325e30a4c8725cc80b9cc3c8e4fea8f3e7eb7562f3bbe7d08e07f1648225984b5b5288719b39a8cb90bb5e8ba210dda74bdc2dd436d3502fb9f9255185c4c697a5ff75557df38c6fbfe4f395787d042684c4aee3c00511a4ce7d88267fee1bc9c1538ac994758905db651abca0544a7397eab393c6b150bee4b91ff368762e35ec9a7eacc8cf8d10904af77d371e7b35e0af82f97e481a4c2242e31fb1f55efc928331563d9800bb8db14027c751187dbf2bd6cb6629f9b002f2addcabf73f331f6ad6503e00f0076f0a194248521aea118ca4eadc7dc0499ffbe66b8d470d7194894eee8605574e858e96aedc2fede8eb6dd84f890a857b2748405423e3659341607cd9ac8e66cc3a8b294fba37c461dbcb101fab688f853b00c34885d0f5beea7adc046528fa3ece886c3bc56303e7153deffdf5', '2026-11-27 00:22:28.627611+00');
INSERT INTO "rewards"."inbox" VALUES
	('01a21a61-4eb9-7626-b1e3-7e40f8f53594', '2026-11-27 00:22:03.167159+00'),
	('01a21a61-4e52-75c6-b08d-f02b31b34ff0', '2026-11-27 00:22:03.222227+00'),
	('01a21a61-4e55-7161-9929-22e2469f3239', '2026-11-27 00:22:03.222227+00'),
	('01a21a61-4e57-72af-b354-ba09eb674b7d', '2026-11-27 00:22:03.222227+00'),
	('01a21a61-4e59-7653-8ac6-db843209a292', '2026-11-27 00:22:03.222227+00'),
	('01a21a61-4e5b-72ba-9f72-f89fc9b92a8f', '2026-11-27 00:22:03.222227+00'),
	('01a21a61-4e5c-7212-9ddb-78ea956a84e5', '2026-11-27 00:22:03.222227+00'),
	('01a21a61-4ed2-70bf-bd24-941fa0196e8f', '2026-11-27 00:22:03.222227+00'),
	('01a21a61-4ed6-75a6-9e19-9e2734736072', '2026-11-27 00:22:03.222227+00'),
	('01a21a61-4ee1-7739-a2fa-1ed021ec4439', '2026-11-27 00:22:03.222227+00'),
	('01a21a61-4ee4-720c-86b9-9da4da02974f', '2026-11-27 00:22:03.222227+00'),
	('01a21a61-4eeb-727a-93a6-f86f165300ce', '2026-11-27 00:22:03.222227+00'),
	('01a21a61-4ef2-71ca-899b-ceddf6276d9b', '2026-11-27 00:22:03.222227+00'),
	('01a21a61-4efa-750b-828f-3668ce8ecd74', '2026-11-27 00:22:03.222227+00'),
	('01a21a61-4ec1-755f-a2f7-b45cf260033c', '2026-11-27 00:22:03.333999+00'),
	('01a21a61-cdf1-7364-a4af-480bf899a59e', '2026-11-27 00:22:27.242088+00'),
	('01a21a61-cdfb-75c8-a2a1-036d76a32f5d', '2026-11-27 00:22:27.242088+00'),
	('01a21a61-ce04-74bb-87c4-6e5df502745a', '2026-11-27 00:22:27.242088+00'),
	('01a21a61-ce0b-7651-8c1e-dd761634e7a2', '2026-11-27 00:22:27.242088+00'),
	('01a21a61-cf6b-70d2-8971-02ec91121738', '2026-11-27 00:22:27.501538+00'),
	('01a21a61-d17a-744c-a4f7-b4d6803d1e38', '2026-11-27 00:22:28.124974+00'),
	('01a21a61-d296-7178-8f5b-72f5bf033193', '2026-11-27 00:22:28.262467+00'),
	('01a21a61-d319-7004-be45-3d55c3ae8132', '2026-11-27 00:22:28.405023+00'),
	('01a21a61-e7d1-7033-9880-0c859818fcbd', '2026-11-27 00:22:33.86977+00'),
	('01a21a61-e7e1-77aa-b4d5-481370555999', '2026-11-27 00:22:33.86977+00');
INSERT INTO "rewards"."job_runs" VALUES
	('rewards.issue_reached', 179573893, '2026-11-27 00:22:13.505896+00'),
	('rewards.apply_rules', 179573893, '2026-11-27 00:22:13.505884+00'),
	('rewards.seal_journal', 179573893, '2026-11-27 00:22:13.532443+00'),
	('rewards.apply_rules', 179573894, '2026-11-27 00:22:23.484542+00'),
	('rewards.issue_reached', 179573894, '2026-11-27 00:22:23.486637+00'),
	('rewards.seal_journal', 179573894, '2026-11-27 00:22:23.493372+00'),
	('rewards.issue_waiting', 59857965, '2026-11-27 00:22:33.485109+00'),
	('rewards.apply_rules', 179573895, '2026-11-27 00:22:33.492315+00'),
	('rewards.issue_reached', 179573895, '2026-11-27 00:22:33.512782+00'),
	('rewards.seal_journal', 179573895, '2026-11-27 00:22:33.516154+00');
INSERT INTO "rewards"."outbox" OVERRIDING SYSTEM VALUE VALUES
	('01a21a61-cfc8-7639-b0b8-5765a18f98b5', 1, '792', 'voucher.issued', 1, '01a21a61-cfc4-70bb-a666-199285a6556f', '{"voucher_id":"01a21a61-cfc4-70bb-a666-199285a6556f","holder_id":"01a21a61-cdec-717c-855c-c6df8ddf07e2","product_id":"01900000-0000-7000-8000-000000000051","venue_id":"01900000-0000-7000-8000-000000000041","title":"电影票一张","points":120,"expires_at":"2027-02-25T00:22:27.501538Z"}', '00-51252409d4f1f215c5bd776faa15fa6d-9fb1d24c1545528b-01', '2026-11-27 00:22:27.501538+00', '2026-11-27 00:22:27.636506+00'),
	('01a21a61-d0d6-700d-9d36-60494d97b255', 2, '803', 'voucher.redeemed', 1, '01a21a61-cfc4-70bb-a666-199285a6556f', '{"voucher_id":"01a21a61-cfc4-70bb-a666-199285a6556f","holder_id":"01a21a61-cdec-717c-855c-c6df8ddf07e2","product_id":"01900000-0000-7000-8000-000000000051","venue_id":"01900000-0000-7000-8000-000000000041","title":"电影票一张","redemption_id":"01a21a61-d0d2-7554-ad9a-8d6ffa4fd820","redeemed_at":"2026-11-27T00:22:27.784105Z"}', '00-35b5b8a0cdc876705f7134d3989c3540-c0b23f25bda78223-01', '2026-11-27 00:22:27.784105+00', '2026-11-27 00:22:27.893852+00'),
	('01a21a61-d229-72b3-a850-01bfcf4d8cde', 3, '814', 'voucher.issued', 1, '01a21a61-d227-7488-bba6-bc75e45c3092', '{"voucher_id":"01a21a61-d227-7488-bba6-bc75e45c3092","holder_id":"01a21a61-ce02-72c2-9aaa-c857a95341a0","product_id":"01a21a61-ce45-777b-8a80-745f87650136","venue_id":"01a21a61-ce29-7523-8346-634f4a46cf9f","title":"电影票","points":90,"expires_at":"2027-02-25T00:22:28.124974Z"}', '00-20d099fe34161c41df43529562eb8630-bc8410b523b0658e-01', '2026-11-27 00:22:28.124974+00', '2026-11-27 00:22:28.144714+00'),
	('01a21a61-d2bc-752c-9b0d-366406a16e75', 4, '823', 'voucher.voided', 1, '01a21a61-d227-7488-bba6-bc75e45c3092', '{"voucher_id":"01a21a61-d227-7488-bba6-bc75e45c3092","holder_id":"01a21a61-ce02-72c2-9aaa-c857a95341a0","product_id":"01a21a61-ce45-777b-8a80-745f87650136","venue_id":"01a21a61-ce29-7523-8346-634f4a46cf9f","title":"电影票","cause":"correction"}', '00-2b1918992d760101c79f566e8608ce9a-4f04ff6bf5654f06-01', '2026-11-27 00:22:28.262467+00', '2026-11-27 00:22:28.394025+00'),
	('01a21a61-d3b1-728f-af52-e532a83afb35', 5, '833', 'voucher.issued', 1, '01a21a61-d3ae-746b-8cb3-ecede2f05edb', '{"voucher_id":"01a21a61-d3ae-746b-8cb3-ecede2f05edb","holder_id":"01a21a61-cdec-717c-855c-c6df8ddf07e2","product_id":"01a21a61-d397-7199-a067-ae4902b41ce2","venue_id":"01900000-0000-7000-8000-000000000041","title":"游泳一次","points":30,"expires_at":"2027-02-25T00:22:28.517709Z"}', '00-015101f1f36fb722887596dba7e2beef-dcf7ca649a1e27a2-01', '2026-11-27 00:22:28.517709+00', '2026-11-27 00:22:28.650622+00'),
	('01a21a61-d3df-71f9-81ba-57ac1f7636a0', 6, '837', 'voucher.given', 1, '01a21a61-d3dc-7016-b022-67e8f040379a', '{"voucher_id":"01a21a61-d3dc-7016-b022-67e8f040379a","holder_id":null,"product_id":"01a21a61-d397-7199-a067-ae4902b41ce2","venue_id":"01900000-0000-7000-8000-000000000041","title":"游泳一次","previous_id":"01a21a61-d3ae-746b-8cb3-ecede2f05edb","giver_id":"01a21a61-cdec-717c-855c-c6df8ddf07e2","named":false,"kind":"donation","expires_at":"2027-02-25T00:22:28.517709Z"}', '00-2845ed81c04594b5af68e369018f0807-b4767266b1161f2a-01', '2026-11-27 00:22:28.567288+00', '2026-11-27 00:22:28.650622+00'),
	('01a21a61-d3f7-7231-beda-434ae0bcd4b5', 7, '839', 'voucher.given', 1, '01a21a61-d3f6-71ed-a272-73c04988096f', '{"voucher_id":"01a21a61-d3f6-71ed-a272-73c04988096f","holder_id":"01a21a61-ce02-72c2-9aaa-c857a95341a0","product_id":"01a21a61-d397-7199-a067-ae4902b41ce2","venue_id":"01900000-0000-7000-8000-000000000041","title":"游泳一次","previous_id":"01a21a61-d3dc-7016-b022-67e8f040379a","giver_id":null,"named":false,"kind":"allocation","expires_at":"2027-02-25T00:22:28.517709Z"}', '00-7b7e49fbfce7b8941e68a54483aa267e-7d845b388eea3ef0-01', '2026-11-27 00:22:28.589335+00', '2026-11-27 00:22:28.650622+00'),
	('01a21a61-d419-724d-afab-bac421f53c00', 8, '842', 'voucher.redeemed', 1, '01a21a61-d3f6-71ed-a272-73c04988096f', '{"voucher_id":"01a21a61-d3f6-71ed-a272-73c04988096f","holder_id":"01a21a61-ce02-72c2-9aaa-c857a95341a0","product_id":"01a21a61-d397-7199-a067-ae4902b41ce2","venue_id":"01900000-0000-7000-8000-000000000041","title":"游泳一次","redemption_id":"01a21a61-d418-72ce-a008-42f2a536db1c","redeemed_at":"2026-11-27T00:22:28.627611Z"}', '00-da236145973c0c7e0a861428b3b008d6-1fbe6fb79fd59851-01', '2026-11-27 00:22:28.627611+00', '2026-11-27 00:22:28.650622+00');
INSERT INTO "rewards"."pool_requests" VALUES
	('01a21a61-d3e6-72ca-aa70-86c22af2c8d0', '01a21a61-ce02-72c2-9aaa-c857a95341a0', '01a21a61-ce02-72c2-9aaa-c857a95341a0', '01a21a61-d397-7199-a067-ae4902b41ce2', 'other', 'granted', 'volunteer:01a21a61-ce02-72c2-9aaa-c857a95341a0', '01a21a61-d3f6-71ed-a272-73c04988096f', 0, '2026-11-27 00:22:28.581165+00', '2026-11-27 00:22:28.589335+00');
INSERT INTO "rewards"."pool_wishes" VALUES
	('01a21a61-4ee5-7287-9fdc-15a44aa409e2', '01900000-0000-7000-8000-000000000003', 'service', '修一修漏水的水龙头', 'open', 18, NULL),
	('01a21a61-4eec-77b2-a745-1e04e324dd6b', '01900000-0000-7000-8000-000000000003', 'goods', '一套彩色铅笔', 'open', 21, NULL),
	('01a21a61-4ef2-71ca-899b-cedf832eaed8', '01900000-0000-7000-8000-000000000003', 'service', '教我用智能手机', 'open', 24, NULL),
	('01a21a61-4ecb-773b-9b60-4cdf80d9c887', '01900000-0000-7000-8000-000000000003', 'company', '一起看一场电影', 'closed', 10, NULL),
	('01a21a61-4eda-7487-969b-4147b8c4e4f7', '01900000-0000-7000-8000-000000000003', 'goods', '一个新书包', 'closed', 15, NULL),
	('01a21a61-4e9f-7161-a20e-ae3db6691c91', '01900000-0000-7000-8000-000000000003', 'goods', '一条保暖的毛毯', 'closed', 4, NULL),
	('01a21a61-e7b3-7622-a7c6-0fd62cc8da37', '01a21a61-cde0-765e-a441-7c5b736be41f', 'clothing', '想要一件过冬棉衣', 'closed', 31, NULL);
INSERT INTO "rewards"."products" VALUES
	('01900000-0000-7000-8000-000000000051', '01900000-0000-7000-8000-000000000041', '电影票一张', 120, 90, '2026-11-27 00:21:54.645991+00', 0, NULL, NULL, NULL, '{}'),
	('01900000-0000-7000-8000-000000000052', '01900000-0000-7000-8000-000000000042', '游泳一次', 90, 90, '2026-11-27 00:21:54.645991+00', 0, NULL, NULL, NULL, '{}'),
	('01a21a61-ce45-777b-8a80-745f87650136', '01a21a61-ce29-7523-8346-634f4a46cf9f', '电影票', 90, 90, '2026-11-27 00:22:27.139213+00', 0, NULL, NULL, NULL, '{}'),
	('01a21a61-d397-7199-a067-ae4902b41ce2', '01900000-0000-7000-8000-000000000041', '游泳一次', 30, 90, '2026-11-27 00:22:28.503053+00', 0, NULL, NULL, NULL, '{}');
INSERT INTO "rewards"."redemptions" VALUES
	('01a21a61-d0d2-7554-ad9a-8d6ffa4fd820', '01a21a61-cfc4-70bb-a666-199285a6556f', '01900000-0000-7000-8000-000000000041', 'POS-5e76db', 'webhook', '2026-11-27 00:22:27.784105+00', NULL, NULL),
	('01a21a61-d418-72ce-a008-42f2a536db1c', '01a21a61-d3f6-71ed-a272-73c04988096f', '01900000-0000-7000-8000-000000000041', 'SWIM-5e76db', 'counter', '2026-11-27 00:22:28.627611+00', NULL, NULL);
INSERT INTO "rewards"."rules" VALUES
	('01a21a61-4f5c-7386-b21e-e8c67915a748', 'earn', '', 1, 1, 1, NULL, NULL, NULL, true, NULL, 'staff:seed', '2026-11-27 00:21:54.645991+00', NULL, NULL, NULL, NULL, true, NULL),
	('01a21a61-4f62-7028-8dea-3ed69e0b3b57', 'issue', '01900000-0000-7000-8000-000000000051', 1, NULL, NULL, NULL, '01900000-0000-7000-8000-000000000051', NULL, true, '01900000-0000-7000-8000-000000000013', 'staff:seed', '2026-11-27 00:21:54.645991+00', NULL, NULL, NULL, NULL, true, NULL),
	('01a21a61-ce51-71aa-9ad2-3520304c337c', 'earn', '', 2, 1, 1, NULL, NULL, NULL, true, NULL, 'staff:01a21a61-cdb1-7592-9aed-ecbbdb1de385', '2026-11-27 00:22:27.152544+00', NULL, NULL, NULL, NULL, true, NULL),
	('01a21a61-ce5e-702f-84d3-cfefe256043c', 'issue', '01a21a61-ce45-777b-8a80-745f87650136', 1, NULL, NULL, NULL, '01a21a61-ce45-777b-8a80-745f87650136', NULL, true, '01a21a61-ce02-72c2-9aaa-c857a95341a0', 'staff:01a21a61-cdb1-7592-9aed-ecbbdb1de385', '2026-11-27 00:22:27.164744+00', NULL, NULL, NULL, NULL, true, NULL),
	('01a21a61-d39f-7733-81c8-a89d9d6582af', 'issue', '01a21a61-d397-7199-a067-ae4902b41ce2', 1, NULL, NULL, NULL, '01a21a61-d397-7199-a067-ae4902b41ce2', NULL, true, '01a21a61-ce02-72c2-9aaa-c857a95341a0', 'staff:01a21a61-cdb1-7592-9aed-ecbbdb1de385', '2026-11-27 00:22:28.51019+00', NULL, NULL, NULL, NULL, false, NULL);
INSERT INTO "rewards"."seals" VALUES
	(1, 12, '\x01a21a61cfb9752583373e17f1e25b6c96f06d5daa3bb5c0c12840cc81926789e0b25650bfbeb58943bab6ca97ba873401a21a61cfc87639b0b857644749745f7920e02331bcf919c0098341f8cdf728594a1ecbdd92c60d90427e401f6b9a1901a21a61d0d374baaabd32c4664e95fca88acd6170969fee8cc64b9cf6e0165869ebb184d3d5281b4270bf6299605e7401a21a61d22277afa4590ab17ec0ca06efc261818cb2ed48472cf72c8a8d2c41d9cde9f04a291afd37aa934eec6fe1c501a21a61d22873f3bdf2970b34d54c75ca77d95aa312efbdd2e20263cd3c2002fb8d187660c680d7e41e12942b968e9c01a21a61d2ba7043a5cc80565c42fe6a948e93793d30c4b4d8e889dc5624267376d83ee22fa6924d2a2c3575cdc95d1f01a21a61d2bd706d8922d6281137a7fb294a9b32bec27f8375f5fd17e7b42f1e08ad1e801a5fa5e40bb377dd1faeb4e101a21a61d3377680ac78641c35c473eb7a8c32b4d69bda40646d9f87abb84ad34b8587981e5af41c82bcf2f234c0400c01a21a61d3b07450b1e90a4725e47154b27fcde348709e28f01fc974a08d5bee0c98fdd6083145117028ae7627099b3201a21a61d3de74eb8263b907b7009b2927af24c354c348bac8ef2cac2aae404946226b46c8a6eff0acccfabdd4c8d77c01a21a61d3f77231beda43498cbe16d350082acae43c59c3b230094d2c59852138442e501e8ca375b576949f6d62a88e01a21a61d419724dafabbac3ffbc76a578a215de67701a4d9134b007e6f96bb87cce2d905eb21721b25e464a593246d4', '842', '01a21a61-d419-724d-afab-bac3ffbc76a5', '\x0000000000000000000000000000000000000000000000000000000000000000', '\x20b1453ba31fe97ff55e08042446a39362ff5d4534eb836e6fc05335692c5664', '2026-11-27 00:22:33.521757+00');
INSERT INTO "rewards"."stocks" VALUES
	('01900000-0000-7000-8000-000000000052', 1000, 1000, NULL, 0, NULL, 0),
	('01900000-0000-7000-8000-000000000051', 999, 1000, '2026-11-27', 1, '2026-11-01', 120),
	('01a21a61-ce45-777b-8a80-745f87650136', 100, 100, '2026-11-27', 1, '2026-11-01', 0),
	('01a21a61-d397-7199-a067-ae4902b41ce2', 9, 10, '2026-11-27', 1, '2026-11-01', 30);
INSERT INTO "rewards"."transfers" VALUES
	('01a21a61-cfb9-7525-8337-3e17f1e25b6c', 'outside', 'volunteer:01a21a61-cdec-717c-855c-c6df8ddf07e2', 120, 'earned', '01a21a61-cf65-73e3-a3bb-ef777e70804d', '01a21a61-ce51-71aa-9ad2-3520304c337c', 2, 'registration', '01a21a61-cdec-717c-855c-c6df8ddf07e2', '2026-11-27 00:22:27.501538+00', NULL, '792'),
	('01a21a61-cfc8-7639-b0b8-57644749745f', 'volunteer:01a21a61-cdec-717c-855c-c6df8ddf07e2', 'product:01900000-0000-7000-8000-000000000051', 120, 'issued', '01a21a61-cfc4-70bb-a666-199285a6556f', '01a21a61-4f62-7028-8dea-3ed69e0b3b57', 1, 'registration', '01a21a61-cdec-717c-855c-c6df8ddf07e2', '2026-11-27 00:22:27.501538+00', NULL, '792'),
	('01a21a61-d0d3-74ba-aabd-32c4664e95fc', 'product:01900000-0000-7000-8000-000000000051', 'venue:01900000-0000-7000-8000-000000000041', 120, 'redeemed', '01a21a61-d0d2-7554-ad9a-8d6ffa4fd820', NULL, NULL, 'venue:01900000-0000-7000-8000-000000000041', '01a21a61-cdec-717c-855c-c6df8ddf07e2', '2026-11-27 00:22:27.784105+00', NULL, '803'),
	('01a21a61-d222-77af-a459-0ab17ec0ca06', 'outside', 'volunteer:01a21a61-ce02-72c2-9aaa-c857a95341a0', 100, 'earned', '01a21a61-d178-7621-a6d6-d5f8ef320394', '01a21a61-ce51-71aa-9ad2-3520304c337c', 2, 'registration', '01a21a61-ce02-72c2-9aaa-c857a95341a0', '2026-11-27 00:22:28.124974+00', NULL, '814'),
	('01a21a61-d228-73f3-bdf2-970b34d54c75', 'volunteer:01a21a61-ce02-72c2-9aaa-c857a95341a0', 'product:01a21a61-ce45-777b-8a80-745f87650136', 90, 'issued', '01a21a61-d227-7488-bba6-bc75e45c3092', '01a21a61-ce5e-702f-84d3-cfefe256043c', 1, 'registration', '01a21a61-ce02-72c2-9aaa-c857a95341a0', '2026-11-27 00:22:28.124974+00', NULL, '814'),
	('01a21a61-d2ba-7043-a5cc-80565c42fe6a', 'product:01a21a61-ce45-777b-8a80-745f87650136', 'volunteer:01a21a61-ce02-72c2-9aaa-c857a95341a0', 90, 'voided', '01a21a61-d227-7488-bba6-bc75e45c3092', NULL, NULL, 'registration', '01a21a61-ce02-72c2-9aaa-c857a95341a0', '2026-11-27 00:22:28.262467+00', NULL, '823'),
	('01a21a61-d2bd-706d-8922-d6281137a7fb', 'volunteer:01a21a61-ce02-72c2-9aaa-c857a95341a0', 'outside', 60, 'corrected', '01a21a61-d293-7479-b6ac-96f6cf70ae28', '01a21a61-ce51-71aa-9ad2-3520304c337c', 2, 'registration', '01a21a61-ce02-72c2-9aaa-c857a95341a0', '2026-11-27 00:22:28.262467+00', NULL, '823'),
	('01a21a61-d337-7680-ac78-641c35c473eb', 'outside', 'volunteer:01a21a61-cdec-717c-855c-c6df8ddf07e2', 30, 'earned', '01a21a61-d318-760d-8d79-325d3b855cce', '01a21a61-ce51-71aa-9ad2-3520304c337c', 2, 'registration', '01a21a61-cdec-717c-855c-c6df8ddf07e2', '2026-11-27 00:22:28.405023+00', NULL, '828'),
	('01a21a61-d3b0-7450-b1e9-0a4725e47154', 'volunteer:01a21a61-cdec-717c-855c-c6df8ddf07e2', 'product:01a21a61-d397-7199-a067-ae4902b41ce2', 30, 'issued', '01a21a61-d3ae-746b-8cb3-ecede2f05edb', '01a21a61-d39f-7733-81c8-a89d9d6582af', 1, 'volunteer:01a21a61-cdec-717c-855c-c6df8ddf07e2', '01a21a61-cdec-717c-855c-c6df8ddf07e2', '2026-11-27 00:22:28.517709+00', NULL, '833'),
	('01a21a61-d3de-74eb-8263-b907b7009b29', 'product:01a21a61-d397-7199-a067-ae4902b41ce2', 'pool:01a21a61-d397-7199-a067-ae4902b41ce2', 30, 'given', '01a21a61-d3dd-7052-a326-65771c1c9151', NULL, NULL, 'volunteer:01a21a61-cdec-717c-855c-c6df8ddf07e2', '01a21a61-cdec-717c-855c-c6df8ddf07e2', '2026-11-27 00:22:28.567288+00', NULL, '837'),
	('01a21a61-d3f7-7231-beda-43498cbe16d3', 'pool:01a21a61-d397-7199-a067-ae4902b41ce2', 'product:01a21a61-d397-7199-a067-ae4902b41ce2', 30, 'allocated', '01a21a61-d3f6-71ed-a272-73c14aa15023', NULL, NULL, 'staff:01a21a61-cdb1-7592-9aed-ecbbdb1de385', '01a21a61-ce02-72c2-9aaa-c857a95341a0', '2026-11-27 00:22:28.589335+00', NULL, '839'),
	('01a21a61-d419-724d-afab-bac3ffbc76a5', 'product:01a21a61-d397-7199-a067-ae4902b41ce2', 'venue:01900000-0000-7000-8000-000000000041', 30, 'redeemed', '01a21a61-d418-72ce-a008-42f2a536db1c', NULL, NULL, 'venue:01900000-0000-7000-8000-000000000041', '01a21a61-ce02-72c2-9aaa-c857a95341a0', '2026-11-27 00:22:28.627611+00', NULL, '842');
INSERT INTO "rewards"."venue_secrets" VALUES
	('01a21a61-d0aa-70cd-b590-a6ffaa59dcda', '01900000-0000-7000-8000-000000000041', 'api_key', NULL, '\x6d15df5e8e8c7a6fe869a93228fb8e26406d83cf3a0ac478204d016f2228230a', '2026-11-27 00:22:27.753565+00', NULL, NULL, '[]'),
	('01a21a61-d0b3-76c8-a9a3-30ae76264aab', '01900000-0000-7000-8000-000000000041', 'webhook', '\x0116044674deb29bd84e9cf9ac8272b85c9433da48f591ad1c9f7baa49411f88b927bc51b8d4e6de6474e5ac78de67f7e01f3e6b20ab11d971ff2b9e2adf9d608ae033f52077418fc1769d949e923e', NULL, '2026-11-27 00:22:27.762803+00', NULL, NULL, '[]'),
	('01a21a61-d402-721d-96b2-d2b0b3dcd31f', '01900000-0000-7000-8000-000000000041', 'api_key', NULL, '\xf319f67a56c615f6b4398a7bc5ff2c289b9efec75f45ca75e2c4b100ddfc945c', '2026-11-27 00:22:28.609568+00', NULL, NULL, '[]');
INSERT INTO "rewards"."venues" VALUES
	('01900000-0000-7000-8000-000000000041', '星光影院 Star cinema', 'cinema', '2026-11-27 00:21:54.645991+00', 'active', false),
	('01900000-0000-7000-8000-000000000042', '柯城游泳馆', 'pool', '2026-11-27 00:21:54.645991+00', 'active', false),
	('01a21a61-ce29-7523-8346-634f4a46cf9f', '星光影城 5e76db', 'cinema', '2026-11-27 00:22:27.111089+00', 'active', false);
INSERT INTO "rewards"."vouchers" VALUES
	('01a21a61-cfc4-70bb-a666-199285a6556f', '01a21a61-cdec-717c-855c-c6df8ddf07e2', '01900000-0000-7000-8000-000000000051', '01900000-0000-7000-8000-000000000041', '电影票一张', 120, '\xa73e83766f25aaa21818ae7facc9e0b267818f996591ab60ba4a8e453f49dcb9', '\x01fa8d6447de3e60b0974efad4b1ec17438237f7db6258960fb27a22bfabedc1fb9368dc8aacdbf9555821febd4a67b9', 'redeemed', '01a21a61-4f62-7028-8dea-3ed69e0b3b57', 1, '2026-11-27 00:22:27.501538+00', '2027-02-25 00:22:27.501538+00', NULL, NULL, '2026-11-27 00:22:27.784105+00', NULL, 'earned', 0, NULL),
	('01a21a61-d227-7488-bba6-bc75e45c3092', '01a21a61-ce02-72c2-9aaa-c857a95341a0', '01a21a61-ce45-777b-8a80-745f87650136', '01a21a61-ce29-7523-8346-634f4a46cf9f', '电影票', 90, '\xd6454439a441c1e6b67d676d3c85c5fd6601b6d3f3f1bbee9c8911170d48dec5', '\x014dfbb2570560b463a8e16e5681615caaeb6176fefc7aac985213233f699f5cdcc4755c3f2cf074fa15eab124703117', 'voided', '01a21a61-ce5e-702f-84d3-cfefe256043c', 1, '2026-11-27 00:22:28.124974+00', '2027-02-25 00:22:28.124974+00', NULL, NULL, '2026-11-27 00:22:28.262467+00', 'correction', 'earned', 0, NULL),
	('01a21a61-d3ae-746b-8cb3-ecede2f05edb', '01a21a61-cdec-717c-855c-c6df8ddf07e2', '01a21a61-d397-7199-a067-ae4902b41ce2', '01900000-0000-7000-8000-000000000041', '游泳一次', 30, '\x1704ac934fc5035a0f673b74b69d613337a063ba447f7d6c7d14f9805ae969a1', '\x01ebbe8d1001f6df63551f80eaa907a6627f01572990175b32328ede848e811ce35222f205a1cadbeeb73f5194a556bc', 'given', '01a21a61-d39f-7733-81c8-a89d9d6582af', 1, '2026-11-27 00:22:28.517709+00', '2027-02-25 00:22:28.517709+00', NULL, NULL, '2026-11-27 00:22:28.567288+00', NULL, 'exchanged', 0, NULL),
	('01a21a61-d3dc-7016-b022-67e8f040379a', NULL, '01a21a61-d397-7199-a067-ae4902b41ce2', '01900000-0000-7000-8000-000000000041', '游泳一次', 30, '\x3a5c3864452422cbbe7afbee8e3574ce646a2f14d7f9b8d856f5d2ec625cc57b', '\x01cf9a615d4521ac8138f082665951f88e5410005eb1879047c070edeb558d6d419ec61ff7a961c25e7619739c8952d3', 'given', '01a21a61-d39f-7733-81c8-a89d9d6582af', 1, '2026-11-27 00:22:28.517709+00', '2027-02-25 00:22:28.517709+00', NULL, NULL, '2026-11-27 00:22:28.589335+00', NULL, 'gift', 0, NULL),
	('01a21a61-d3f6-71ed-a272-73c04988096f', '01a21a61-ce02-72c2-9aaa-c857a95341a0', '01a21a61-d397-7199-a067-ae4902b41ce2', '01900000-0000-7000-8000-000000000041', '游泳一次', 30, '\xda656705aa586d09f94ddcfd6ce2413547ad0bd457a21fd7fd72c3ed6bc79bc3', '\x0144270ebdfbbfe5990656dc617ab03ff5a7936403ac0f63e0cceec5f8dc327b343b3eabc0bc15bee120571f1e6ca16f', 'redeemed', '01a21a61-d39f-7733-81c8-a89d9d6582af', 1, '2026-11-27 00:22:28.517709+00', '2027-02-25 00:22:28.517709+00', NULL, NULL, '2026-11-27 00:22:28.627611+00', NULL, 'gift', 0, NULL);
INSERT INTO "rewards"."webhook_receipts" VALUES
	('01900000-0000-7000-8000-000000000041', 'msg_9ebc3d578355339d', '\x089c516033f25abfa570525439a4ca36d1d22333b6cb4f738facfa0b0013e086', '{"outcome": "redeemed", "voucher_id": "01a21a61-cfc4-70bb-a666-199285a6556f", "redeemed_at": "2026-11-27T00:22:27.784105+00:00"}', '2026-11-27 00:22:27.784105+00');
INSERT INTO "wishes"."alembic_wishes" VALUES
	('wishes_0002');
INSERT INTO "wishes"."beneficiaries" VALUES
	('01a21a61-4e9d-7050-b67d-4d98cb663423', '\x01024a32fd6504174d239d1ae55fe33ce7a003bede7e69eede78f64188236139999062859ab9', '\x01138f65548d8c263516e5b23817a0418721b71e06d55901fe466433e38470c284f4379fd0d2f4c9bc591d', '2026-11-27 00:21:54.459232+00', NULL, NULL, NULL, NULL),
	('01a21a61-4ecb-773b-9b60-4cdeaf7d347f', '\x016dc077c77b993f566f93e37ac4c8f24856464a7e90f2d1dc58303993ca4d92170579b8e927', '\x01c59a9d8e54bc91684b77a55be687d97820a95c5a1d09edefa0f446adc518db336509c67f175ebb0d840c', '2026-11-27 00:21:54.459232+00', NULL, NULL, NULL, NULL),
	('01a21a61-4ed9-716a-90d4-5ac0bd334792', '\x01adefca7a71badb94c5fb49f0cdcbb7cc39191dceb12e79607164946939148400a849', '\x01a0ba4deec916886f503afd053777ea6a3ec8586288d4143b03f6bdc42457260fb789ed1227583fbb79e9', '2026-11-27 00:21:54.459232+00', '\x0161259d8f4b82895c21d180105f214d1c499a0d09657fbcdba85f12d0aeb81a8658701ac38d', '\x015827b2383cb1efdc5c8d3abf342f11133e7a196bf42633f8ada4178cd6ca45ba340849b728ef252f30c1', '2026-11-27 00:21:54.459232+00', NULL),
	('01a21a61-4ee5-7287-9fdc-15a36703b565', '\x01a8b7f9f90d0388168dd323bfaf2380521207eadadb19e6529eab1352c86fd920a1d1bd588a', '\x01882ffe556bfe15959cf363c4f27d94e5f341f32f5d79aa075db0d61e6019172b302c2d0d088398c947c3', '2026-11-27 00:21:54.459232+00', NULL, NULL, NULL, NULL),
	('01a21a61-4eec-77b2-a745-1e03664676d0', '\x014fa6193d0d45964de2e6389d839547e253c2bd221e614db021d667cfc6656455352d', '\x01cc7b8d1d732f57fc1f5d24ef6854c70c4e541b153e0e8a292cd8e2617aac3adcadb5d63e2ace9911c75a', '2026-11-27 00:21:54.459232+00', '\x01d71a514c5cb1a2b15f4c2b82d62f8f72172ce20e0eb712e0cb937a547e0e55494a4648830c', '\x01b4b14106325e97d65ccfa3dc19d5ec453a5984e13e7166ef37280d0165736bd651dbda073a10fe680948', '2026-11-27 00:21:54.459232+00', NULL),
	('01a21a61-4ef2-71ca-899b-cedecc3504e3', '\x015e88ec176751e14f993dab95c675af1bcc51f6710c91021a7ef2c32ad59187f46fd1c28aa6', '\x010b819e8390bc2391f4bf0656844c4b95481e1947d9dea4e50f87feea02e89ac0e82622cc8703d33f1543', '2026-11-27 00:21:54.459232+00', NULL, NULL, NULL, NULL),
	('01a21a61-4efa-750b-828f-36692784075f', '\x01085b8b0d15b19cd459631a5fef7ff6db5ef34f1031eda5c5588add470f0a653a8d1d5072cc', '\x01b8fdb55a27b43280b99f0575bbb753992dece470ca6e6a9b776b239e6cc49f52f8a9575eb8c4ba572e8f', '2026-11-27 00:21:54.459232+00', NULL, NULL, NULL, NULL),
	('01a21a61-4efe-774e-b63a-659a761c54d9', '\x012ece06884c6a9eac836b8f62e5a23aafdaefa20437f6d031d5238f38a23fa4b2c3171becdd', '\x018d9cf93f5a6bd92d4258b29aae330d8418b3953c8509ae2b2ec01a1ae7910c0c346784dfce29bcc219be', '2026-11-27 00:21:54.459232+00', NULL, NULL, NULL, NULL),
	('01a21a61-e7b1-7765-aa0e-89bed866e44f', '\x01fa5d53e0d7258383c0c64120b5476249cc33b8f9aac0be5865a8b6c56f9eff53f33cc1bb0bc0fc10a39984', '\x01dd52baf96440bb338e920b9b129c8472eff3bb58423d1618ddbd97d36a5fa535256ebc57ca2bd7', '2026-11-27 00:22:33.642502+00', NULL, NULL, NULL, NULL);
INSERT INTO "wishes"."claimer_loads" VALUES
	('01900000-0000-7000-8000-000000000004', 'organisation', 1, 50, 'good', 0, NULL),
	('01900000-0000-7000-8000-000000000011', 'volunteer', 0, 3, 'good', 6, NULL),
	('01900000-0000-7000-8000-000000000012', 'volunteer', 1, 3, 'good', 8, NULL),
	('01900000-0000-7000-8000-000000000013', 'volunteer', 0, 3, 'good', 10, NULL),
	('01a21a61-ce02-72c2-9aaa-c857a95341a0', 'volunteer', 0, 3, 'good', 19, NULL),
	('01a21a61-cdec-717c-855c-c6df8ddf07e2', 'volunteer', 0, 3, 'good', 17, NULL);
INSERT INTO "wishes"."idempotency_keys" VALUES
	('\xb2be4155fce7c764f744d024fd66ba047f896de79160113da524ea66644a1d9e', '\xfc9d71f0e3345589e08c88b406833bca32995a6496c882bdd9cf9d24f828f35a', 201, '\x011e9e5e765cbb4a47a03bcb273094007a85d82e96a4315f46d1d7c16129482b63e166c5485437aa3b6c64d97b27e62fe3a54d41a2a0054fb5d16cf6fa2e114dd4fbcd170f83501d251f9ac448437de0d20d9ee01d660eb57135c9bc635371fdf09603677ae1c6b94446a13ab23a5070be662a6ee9bd5925be54d3cd11d73536fa41bba6399a1bbb32c1b2a518abd5f68d3d90aff4664b87fb04fe59780bc681', '2026-11-27 00:22:33.642502+00');
INSERT INTO "wishes"."inbox" VALUES
	('01a21a61-4e43-74a9-9223-3301c7370752', '2026-11-27 00:22:02.232093+00'),
	('01a21a61-4e48-7340-a85a-2135fff96220', '2026-11-27 00:22:02.304155+00'),
	('01a21a61-4e4a-77e2-9298-e77e99f5cfaa', '2026-11-27 00:22:02.304155+00'),
	('01a21a61-4e55-7161-9929-22e2469f3239', '2026-11-27 00:22:02.304155+00'),
	('01a21a61-4e59-7653-8ac6-db843209a292', '2026-11-27 00:22:02.304155+00'),
	('01a21a61-4e5c-7212-9ddb-78ea956a84e5', '2026-11-27 00:22:02.304155+00'),
	('01a21a61-4e47-75c9-9be2-ba4a29c0df76', '2026-11-27 00:22:02.424289+00'),
	('01a21a61-cdc8-72ed-b2f9-23c9a2fb6898', '2026-11-27 00:22:27.241398+00'),
	('01a21a61-cdd7-7646-bea5-af07773ea6ae', '2026-11-27 00:22:27.241398+00'),
	('01a21a61-cde0-765e-a441-7c5c5b98d8f7', '2026-11-27 00:22:27.241398+00'),
	('01a21a61-cdfb-75c8-a2a1-036d76a32f5d', '2026-11-27 00:22:27.241398+00'),
	('01a21a61-ce0b-7651-8c1e-dd761634e7a2', '2026-11-27 00:22:27.241398+00');
INSERT INTO "wishes"."known_organisations" VALUES
	('01900000-0000-7000-8000-000000000001', '柯城区志愿者服务联合会', 'federation', NULL, 1),
	('01900000-0000-7000-8000-000000000003', '花园社区志愿服务站', 'station', '01900000-0000-7000-8000-000000000002', 3),
	('01900000-0000-7000-8000-000000000004', '星光影业公司', 'company', '01900000-0000-7000-8000-000000000001', 4),
	('01900000-0000-7000-8000-000000000002', '花园街道志愿服务分会', 'branch', '01900000-0000-7000-8000-000000000001', 2),
	('01a21a61-cdc1-71ff-998f-25882849dd4a', 'federation 5e76db', 'federation', NULL, 13),
	('01a21a61-cdd6-75a0-a2f8-6b04b94de32c', 'branch 5e76db', 'branch', '01a21a61-cdc1-71ff-998f-25882849dd4a', 14),
	('01a21a61-cde0-765e-a441-7c5b736be41f', 'station 5e76db', 'station', '01a21a61-cdd6-75a0-a2f8-6b04b94de32c', 15);
INSERT INTO "wishes"."outbox" OVERRIDING SYSTEM VALUE VALUES
	('01a21a61-4ea0-744d-b493-137149736593', 1, '733', 'wish.submitted', 1, '01a21a61-4e9f-7161-a20e-ae3db6691c91', '{"wish_id":"01a21a61-4e9f-7161-a20e-ae3db6691c91","station_id":"01900000-0000-7000-8000-000000000003","category":"goods"}', NULL, '2026-11-27 00:21:54.459232+00', '2026-11-27 00:22:01.970792+00'),
	('01a21a61-4eb1-71d9-a551-2bc2f1e85412', 2, '733', 'wish.verified', 1, '01a21a61-4e9f-7161-a20e-ae3db6691c91', '{"wish_id":"01a21a61-4e9f-7161-a20e-ae3db6691c91","station_id":"01900000-0000-7000-8000-000000000003"}', NULL, '2026-11-27 00:21:54.459232+00', '2026-11-27 00:22:01.970792+00'),
	('01a21a61-4eb9-7626-b1e3-7e40f8f53594', 3, '733', 'wish.published', 1, '01a21a61-4e9f-7161-a20e-ae3db6691c91', '{"wish_id":"01a21a61-4e9f-7161-a20e-ae3db6691c91","station_id":"01900000-0000-7000-8000-000000000003","category":"goods","title":"一条保暖的毛毯"}', NULL, '2026-11-27 00:21:54.459232+00', '2026-11-27 00:22:01.970792+00'),
	('01a21a61-4ec1-755f-a2f7-b45cf260033c', 4, '733', 'wish.claimed', 1, '01a21a61-4e9f-7161-a20e-ae3db6691c91', '{"wish_id":"01a21a61-4e9f-7161-a20e-ae3db6691c91","station_id":"01900000-0000-7000-8000-000000000003","title":"一条保暖的毛毯","claimer_id":"01900000-0000-7000-8000-000000000011","claimer_kind":"volunteer","fence":1,"lease_until":"2026-12-11T00:21:54.459232Z"}', NULL, '2026-11-27 00:21:54.459232+00', '2026-11-27 00:22:01.970792+00'),
	('01a21a61-4ec5-71a9-9ba0-fd8ceb4690c7', 5, '733', 'wish.fulfilled', 1, '01a21a61-4e9f-7161-a20e-ae3db6691c91', '{"wish_id":"01a21a61-4e9f-7161-a20e-ae3db6691c91","station_id":"01900000-0000-7000-8000-000000000003","title":"一条保暖的毛毯","claimer_id":"01900000-0000-7000-8000-000000000011","claimer_kind":"volunteer","fence":1}', NULL, '2026-11-27 00:21:54.459232+00', '2026-11-27 00:22:01.970792+00'),
	('01a21a61-4eca-74ff-83d6-9944779074e2', 6, '733', 'wish.confirmed', 1, '01a21a61-4e9f-7161-a20e-ae3db6691c91', '{"wish_id":"01a21a61-4e9f-7161-a20e-ae3db6691c91","station_id":"01900000-0000-7000-8000-000000000003","title":"一条保暖的毛毯","claimer_id":"01900000-0000-7000-8000-000000000011","claimer_kind":"volunteer","proposed_minutes":0}', NULL, '2026-11-27 00:21:54.459232+00', '2026-11-27 00:22:01.970792+00'),
	('01a21a61-4ecc-73c1-b95f-73bfb86f1fca', 7, '733', 'wish.submitted', 1, '01a21a61-4ecb-773b-9b60-4cdf80d9c887', '{"wish_id":"01a21a61-4ecb-773b-9b60-4cdf80d9c887","station_id":"01900000-0000-7000-8000-000000000003","category":"company"}', NULL, '2026-11-27 00:21:54.459232+00', '2026-11-27 00:22:01.970792+00'),
	('01a21a61-4ece-72fa-8ecd-5f393b49b5a6', 8, '733', 'wish.verified', 1, '01a21a61-4ecb-773b-9b60-4cdf80d9c887', '{"wish_id":"01a21a61-4ecb-773b-9b60-4cdf80d9c887","station_id":"01900000-0000-7000-8000-000000000003"}', NULL, '2026-11-27 00:21:54.459232+00', '2026-11-27 00:22:01.970792+00'),
	('01a21a61-4ed2-70bf-bd24-941fa0196e8f', 9, '733', 'wish.published', 1, '01a21a61-4ecb-773b-9b60-4cdf80d9c887', '{"wish_id":"01a21a61-4ecb-773b-9b60-4cdf80d9c887","station_id":"01900000-0000-7000-8000-000000000003","category":"company","title":"一起看一场电影"}', NULL, '2026-11-27 00:21:54.459232+00', '2026-11-27 00:22:01.970792+00'),
	('01a21a61-4ed6-75a6-9e19-9e2734736072', 10, '733', 'wish.claimed', 1, '01a21a61-4ecb-773b-9b60-4cdf80d9c887', '{"wish_id":"01a21a61-4ecb-773b-9b60-4cdf80d9c887","station_id":"01900000-0000-7000-8000-000000000003","title":"一起看一场电影","claimer_id":"01900000-0000-7000-8000-000000000012","claimer_kind":"volunteer","fence":1,"lease_until":"2026-12-11T00:21:54.459232Z"}', NULL, '2026-11-27 00:21:54.459232+00', '2026-11-27 00:22:01.970792+00'),
	('01a21a61-4ed8-753f-a516-ea69ab872e55', 11, '733', 'wish.fulfilled', 1, '01a21a61-4ecb-773b-9b60-4cdf80d9c887', '{"wish_id":"01a21a61-4ecb-773b-9b60-4cdf80d9c887","station_id":"01900000-0000-7000-8000-000000000003","title":"一起看一场电影","claimer_id":"01900000-0000-7000-8000-000000000012","claimer_kind":"volunteer","fence":1}', NULL, '2026-11-27 00:21:54.459232+00', '2026-11-27 00:22:01.970792+00'),
	('01a21a61-4eda-7487-969b-41486b23d358', 12, '733', 'wish.submitted', 1, '01a21a61-4eda-7487-969b-4147b8c4e4f7', '{"wish_id":"01a21a61-4eda-7487-969b-4147b8c4e4f7","station_id":"01900000-0000-7000-8000-000000000003","category":"goods"}', NULL, '2026-11-27 00:21:54.459232+00', '2026-11-27 00:22:01.970792+00'),
	('01a21a61-4edd-76e2-8073-de1b06e21d63', 13, '733', 'wish.verified', 1, '01a21a61-4eda-7487-969b-4147b8c4e4f7', '{"wish_id":"01a21a61-4eda-7487-969b-4147b8c4e4f7","station_id":"01900000-0000-7000-8000-000000000003"}', NULL, '2026-11-27 00:21:54.459232+00', '2026-11-27 00:22:01.970792+00'),
	('01a21a61-4ee1-7739-a2fa-1ed021ec4439', 14, '733', 'wish.published', 1, '01a21a61-4eda-7487-969b-4147b8c4e4f7', '{"wish_id":"01a21a61-4eda-7487-969b-4147b8c4e4f7","station_id":"01900000-0000-7000-8000-000000000003","category":"goods","title":"一个新书包"}', NULL, '2026-11-27 00:21:54.459232+00', '2026-11-27 00:22:01.970792+00'),
	('01a21a61-4ee4-720c-86b9-9da4da02974f', 15, '733', 'wish.claimed', 1, '01a21a61-4eda-7487-969b-4147b8c4e4f7', '{"wish_id":"01a21a61-4eda-7487-969b-4147b8c4e4f7","station_id":"01900000-0000-7000-8000-000000000003","title":"一个新书包","claimer_id":"01900000-0000-7000-8000-000000000004","claimer_kind":"organisation","fence":1,"lease_until":"2026-12-11T00:21:54.459232Z"}', NULL, '2026-11-27 00:21:54.459232+00', '2026-11-27 00:22:01.970792+00'),
	('01a21a61-4ee5-7287-9fdc-15a5ab27928a', 16, '733', 'wish.submitted', 1, '01a21a61-4ee5-7287-9fdc-15a44aa409e2', '{"wish_id":"01a21a61-4ee5-7287-9fdc-15a44aa409e2","station_id":"01900000-0000-7000-8000-000000000003","category":"service"}', NULL, '2026-11-27 00:21:54.459232+00', '2026-11-27 00:22:01.970792+00'),
	('01a21a61-4ee8-7635-bfc6-4085ca2f8c9a', 17, '733', 'wish.verified', 1, '01a21a61-4ee5-7287-9fdc-15a44aa409e2', '{"wish_id":"01a21a61-4ee5-7287-9fdc-15a44aa409e2","station_id":"01900000-0000-7000-8000-000000000003"}', NULL, '2026-11-27 00:21:54.459232+00', '2026-11-27 00:22:01.970792+00'),
	('01a21a61-4eeb-727a-93a6-f86f165300ce', 18, '733', 'wish.published', 1, '01a21a61-4ee5-7287-9fdc-15a44aa409e2', '{"wish_id":"01a21a61-4ee5-7287-9fdc-15a44aa409e2","station_id":"01900000-0000-7000-8000-000000000003","category":"service","title":"修一修漏水的水龙头"}', NULL, '2026-11-27 00:21:54.459232+00', '2026-11-27 00:22:01.970792+00'),
	('01a21a61-4eec-77b2-a745-1e05df49a7f9', 19, '733', 'wish.submitted', 1, '01a21a61-4eec-77b2-a745-1e04e324dd6b', '{"wish_id":"01a21a61-4eec-77b2-a745-1e04e324dd6b","station_id":"01900000-0000-7000-8000-000000000003","category":"goods"}', NULL, '2026-11-27 00:21:54.459232+00', '2026-11-27 00:22:01.970792+00'),
	('01a21a61-4eef-7050-b939-6873987369ba', 20, '733', 'wish.verified', 1, '01a21a61-4eec-77b2-a745-1e04e324dd6b', '{"wish_id":"01a21a61-4eec-77b2-a745-1e04e324dd6b","station_id":"01900000-0000-7000-8000-000000000003"}', NULL, '2026-11-27 00:21:54.459232+00', '2026-11-27 00:22:01.970792+00'),
	('01a21a61-4ef2-71ca-899b-ceddf6276d9b', 21, '733', 'wish.published', 1, '01a21a61-4eec-77b2-a745-1e04e324dd6b', '{"wish_id":"01a21a61-4eec-77b2-a745-1e04e324dd6b","station_id":"01900000-0000-7000-8000-000000000003","category":"goods","title":"一套彩色铅笔"}', NULL, '2026-11-27 00:21:54.459232+00', '2026-11-27 00:22:01.970792+00'),
	('01a21a61-4ef3-721f-8e75-825a680b50d5', 22, '733', 'wish.submitted', 1, '01a21a61-4ef2-71ca-899b-cedf832eaed8', '{"wish_id":"01a21a61-4ef2-71ca-899b-cedf832eaed8","station_id":"01900000-0000-7000-8000-000000000003","category":"service"}', NULL, '2026-11-27 00:21:54.459232+00', '2026-11-27 00:22:01.970792+00'),
	('01a21a61-4ef6-7183-b6e6-6f537a9a846c', 23, '733', 'wish.verified', 1, '01a21a61-4ef2-71ca-899b-cedf832eaed8', '{"wish_id":"01a21a61-4ef2-71ca-899b-cedf832eaed8","station_id":"01900000-0000-7000-8000-000000000003"}', NULL, '2026-11-27 00:21:54.459232+00', '2026-11-27 00:22:01.970792+00'),
	('01a21a61-4efa-750b-828f-3668ce8ecd74', 24, '733', 'wish.published', 1, '01a21a61-4ef2-71ca-899b-cedf832eaed8', '{"wish_id":"01a21a61-4ef2-71ca-899b-cedf832eaed8","station_id":"01900000-0000-7000-8000-000000000003","category":"service","title":"教我用智能手机"}', NULL, '2026-11-27 00:21:54.459232+00', '2026-11-27 00:22:01.970792+00'),
	('01a21a61-4efb-729f-a316-7f667f1331cd', 25, '733', 'wish.submitted', 1, '01a21a61-4efb-729f-a316-7f65dbdcfea1', '{"wish_id":"01a21a61-4efb-729f-a316-7f65dbdcfea1","station_id":"01900000-0000-7000-8000-000000000003","category":"company"}', NULL, '2026-11-27 00:21:54.459232+00', '2026-11-27 00:22:01.970792+00'),
	('01a21a61-4efd-733d-99dc-0cb02e4e3f7a', 26, '733', 'wish.verified', 1, '01a21a61-4efb-729f-a316-7f65dbdcfea1', '{"wish_id":"01a21a61-4efb-729f-a316-7f65dbdcfea1","station_id":"01900000-0000-7000-8000-000000000003"}', NULL, '2026-11-27 00:21:54.459232+00', '2026-11-27 00:22:01.970792+00'),
	('01a21a61-4eff-74eb-b0b3-41094aafce67', 27, '733', 'wish.submitted', 1, '01a21a61-4efe-774e-b63a-659b84f1e153', '{"wish_id":"01a21a61-4efe-774e-b63a-659b84f1e153","station_id":"01900000-0000-7000-8000-000000000003","category":"goods"}', NULL, '2026-11-27 00:21:54.459232+00', '2026-11-27 00:22:01.970792+00'),
	('01a21a61-e7b4-746e-9174-243118b06f61', 28, '855', 'wish.submitted', 1, '01a21a61-e7b3-7622-a7c6-0fd62cc8da37', '{"wish_id":"01a21a61-e7b3-7622-a7c6-0fd62cc8da37","station_id":"01a21a61-cde0-765e-a441-7c5b736be41f","category":"clothing"}', '00-8ead6194675d21ee6bf84c89eb801dcd-38cf684e7cfd91ca-01', '2026-11-27 00:22:33.642502+00', '2026-11-27 00:22:33.858775+00'),
	('01a21a61-e7c9-759b-b901-2fc52c110162', 29, '856', 'wish.verified', 1, '01a21a61-e7b3-7622-a7c6-0fd62cc8da37', '{"wish_id":"01a21a61-e7b3-7622-a7c6-0fd62cc8da37","station_id":"01a21a61-cde0-765e-a441-7c5b736be41f"}', '00-46bb10d2a53a057b368c9a0c2a18e6b5-00f7a2e555d79331-01', '2026-11-27 00:22:33.668108+00', '2026-11-27 00:22:33.858775+00'),
	('01a21a61-e7d1-7033-9880-0c859818fcbd', 30, '857', 'wish.published', 1, '01a21a61-e7b3-7622-a7c6-0fd62cc8da37', '{"wish_id":"01a21a61-e7b3-7622-a7c6-0fd62cc8da37","station_id":"01a21a61-cde0-765e-a441-7c5b736be41f","category":"clothing","title":"想要一件过冬棉衣"}', '00-dae988ddb1b21bff947848317cb8c580-f9f44c2e891acdd2-01', '2026-11-27 00:22:33.67805+00', '2026-11-27 00:22:33.858775+00'),
	('01a21a61-e7e1-77aa-b4d5-481370555999', 31, '858', 'wish.claimed', 1, '01a21a61-e7b3-7622-a7c6-0fd62cc8da37', '{"wish_id":"01a21a61-e7b3-7622-a7c6-0fd62cc8da37","station_id":"01a21a61-cde0-765e-a441-7c5b736be41f","title":"想要一件过冬棉衣","claimer_id":"01a21a61-cdec-717c-855c-c6df8ddf07e2","claimer_kind":"volunteer","fence":1,"lease_until":"2026-12-11T00:22:33.692052Z"}', '00-c5174c7a4cb045c6c411a62cf4d3b557-5c9708088750bcbf-01', '2026-11-27 00:22:33.692052+00', '2026-11-27 00:22:33.858775+00'),
	('01a21a61-e7f3-71b0-b7db-41437c197168', 32, '860', 'wish.fulfilled', 1, '01a21a61-e7b3-7622-a7c6-0fd62cc8da37', '{"wish_id":"01a21a61-e7b3-7622-a7c6-0fd62cc8da37","station_id":"01a21a61-cde0-765e-a441-7c5b736be41f","title":"想要一件过冬棉衣","claimer_id":"01a21a61-cdec-717c-855c-c6df8ddf07e2","claimer_kind":"volunteer","fence":1}', '00-1a7535984e0ed19e928a109a9405db1e-0690b8b88bcef1cb-01', '2026-11-27 00:22:33.71297+00', '2026-11-27 00:22:33.858775+00'),
	('01a21a61-e805-772f-959a-302f4d0bd698', 33, '861', 'wish.confirmed', 1, '01a21a61-e7b3-7622-a7c6-0fd62cc8da37', '{"wish_id":"01a21a61-e7b3-7622-a7c6-0fd62cc8da37","station_id":"01a21a61-cde0-765e-a441-7c5b736be41f","title":"想要一件过冬棉衣","claimer_id":"01a21a61-cdec-717c-855c-c6df8ddf07e2","claimer_kind":"volunteer","proposed_minutes":0}', '00-875bf6435a1f18799028f17a4adc1f37-f6cc00da67022f1a-01', '2026-11-27 00:22:33.726935+00', '2026-11-27 00:22:33.858775+00');
INSERT INTO "wishes"."wish_moves" VALUES
	('01a21a61-4ea1-702f-9ffb-9926ed7d7ce5', '01a21a61-4e9f-7161-a20e-ae3db6691c91', NULL, 'submitted', 'staff:01900000-0000-7000-8000-000000000021', NULL, 0, '2026-11-27 00:21:54.459232+00'),
	('01a21a61-4eb1-71d9-a551-2bc39b534587', '01a21a61-4e9f-7161-a20e-ae3db6691c91', 'submitted', 'verified', 'staff:01900000-0000-7000-8000-000000000021', NULL, 0, '2026-11-27 00:21:54.459232+00'),
	('01a21a61-4eb9-7626-b1e3-7e3fcd0ead82', '01a21a61-4e9f-7161-a20e-ae3db6691c91', 'verified', 'published', 'staff:01900000-0000-7000-8000-000000000021', NULL, 0, '2026-11-27 00:21:54.459232+00'),
	('01a21a61-4ebe-753e-b4d5-e800f359f873', '01a21a61-4e9f-7161-a20e-ae3db6691c91', 'published', 'claimed', 'staff:01900000-0000-7000-8000-000000000021', NULL, 1, '2026-11-27 00:21:54.459232+00'),
	('01a21a61-4ec5-71a9-9ba0-fd8d1cf2cc38', '01a21a61-4e9f-7161-a20e-ae3db6691c91', 'claimed', 'fulfilled', 'staff:01900000-0000-7000-8000-000000000021', NULL, 1, '2026-11-27 00:21:54.459232+00'),
	('01a21a61-4ec9-71e5-9ee6-c2cade542097', '01a21a61-4e9f-7161-a20e-ae3db6691c91', 'fulfilled', 'confirmed', 'staff:01900000-0000-7000-8000-000000000021', NULL, 1, '2026-11-27 00:21:54.459232+00'),
	('01a21a61-4ecc-73c1-b95f-73c08e7ed54c', '01a21a61-4ecb-773b-9b60-4cdf80d9c887', NULL, 'submitted', 'staff:01900000-0000-7000-8000-000000000021', NULL, 0, '2026-11-27 00:21:54.459232+00'),
	('01a21a61-4ece-72fa-8ecd-5f3a28c4272d', '01a21a61-4ecb-773b-9b60-4cdf80d9c887', 'submitted', 'verified', 'staff:01900000-0000-7000-8000-000000000021', NULL, 0, '2026-11-27 00:21:54.459232+00'),
	('01a21a61-4ed1-7223-9259-a7096285886b', '01a21a61-4ecb-773b-9b60-4cdf80d9c887', 'verified', 'published', 'staff:01900000-0000-7000-8000-000000000021', NULL, 0, '2026-11-27 00:21:54.459232+00'),
	('01a21a61-4ed5-7103-b688-ab1eae704b1f', '01a21a61-4ecb-773b-9b60-4cdf80d9c887', 'published', 'claimed', 'staff:01900000-0000-7000-8000-000000000021', NULL, 1, '2026-11-27 00:21:54.459232+00'),
	('01a21a61-4ed8-753f-a516-ea6a9b7e32c4', '01a21a61-4ecb-773b-9b60-4cdf80d9c887', 'claimed', 'fulfilled', 'staff:01900000-0000-7000-8000-000000000021', NULL, 1, '2026-11-27 00:21:54.459232+00'),
	('01a21a61-4eda-7487-969b-4149da65b747', '01a21a61-4eda-7487-969b-4147b8c4e4f7', NULL, 'submitted', 'staff:01900000-0000-7000-8000-000000000021', NULL, 0, '2026-11-27 00:21:54.459232+00'),
	('01a21a61-4ede-7227-a696-d81c06b43875', '01a21a61-4eda-7487-969b-4147b8c4e4f7', 'submitted', 'verified', 'staff:01900000-0000-7000-8000-000000000021', NULL, 0, '2026-11-27 00:21:54.459232+00'),
	('01a21a61-4ee0-7205-95df-7a7f0e151aa5', '01a21a61-4eda-7487-969b-4147b8c4e4f7', 'verified', 'published', 'staff:01900000-0000-7000-8000-000000000021', NULL, 0, '2026-11-27 00:21:54.459232+00'),
	('01a21a61-4ee3-7659-937c-9b53980115bb', '01a21a61-4eda-7487-969b-4147b8c4e4f7', 'published', 'claimed', 'staff:01900000-0000-7000-8000-000000000021', NULL, 1, '2026-11-27 00:21:54.459232+00'),
	('01a21a61-4ee5-7287-9fdc-15a696a61bd4', '01a21a61-4ee5-7287-9fdc-15a44aa409e2', NULL, 'submitted', 'staff:01900000-0000-7000-8000-000000000021', NULL, 0, '2026-11-27 00:21:54.459232+00'),
	('01a21a61-4ee8-7635-bfc6-408686943eb4', '01a21a61-4ee5-7287-9fdc-15a44aa409e2', 'submitted', 'verified', 'staff:01900000-0000-7000-8000-000000000021', NULL, 0, '2026-11-27 00:21:54.459232+00'),
	('01a21a61-4eeb-727a-93a6-f86efd1386d6', '01a21a61-4ee5-7287-9fdc-15a44aa409e2', 'verified', 'published', 'staff:01900000-0000-7000-8000-000000000021', NULL, 0, '2026-11-27 00:21:54.459232+00'),
	('01a21a61-4eec-77b2-a745-1e06b3142378', '01a21a61-4eec-77b2-a745-1e04e324dd6b', NULL, 'submitted', 'staff:01900000-0000-7000-8000-000000000021', NULL, 0, '2026-11-27 00:21:54.459232+00'),
	('01a21a61-4eef-7050-b939-6874dc5b460c', '01a21a61-4eec-77b2-a745-1e04e324dd6b', 'submitted', 'verified', 'staff:01900000-0000-7000-8000-000000000021', NULL, 0, '2026-11-27 00:21:54.459232+00'),
	('01a21a61-4ef1-756a-b33a-2c6be79e8502', '01a21a61-4eec-77b2-a745-1e04e324dd6b', 'verified', 'published', 'staff:01900000-0000-7000-8000-000000000021', NULL, 0, '2026-11-27 00:21:54.459232+00'),
	('01a21a61-4ef3-721f-8e75-825b5a13ff7b', '01a21a61-4ef2-71ca-899b-cedf832eaed8', NULL, 'submitted', 'staff:01900000-0000-7000-8000-000000000021', NULL, 0, '2026-11-27 00:21:54.459232+00'),
	('01a21a61-4ef6-7183-b6e6-6f54f9a92a3b', '01a21a61-4ef2-71ca-899b-cedf832eaed8', 'submitted', 'verified', 'staff:01900000-0000-7000-8000-000000000021', NULL, 0, '2026-11-27 00:21:54.459232+00'),
	('01a21a61-4ef9-747c-8620-db5399a235b3', '01a21a61-4ef2-71ca-899b-cedf832eaed8', 'verified', 'published', 'staff:01900000-0000-7000-8000-000000000021', NULL, 0, '2026-11-27 00:21:54.459232+00'),
	('01a21a61-4efb-729f-a316-7f6730db7222', '01a21a61-4efb-729f-a316-7f65dbdcfea1', NULL, 'submitted', 'staff:01900000-0000-7000-8000-000000000021', NULL, 0, '2026-11-27 00:21:54.459232+00'),
	('01a21a61-4efd-733d-99dc-0cb1efcf14f9', '01a21a61-4efb-729f-a316-7f65dbdcfea1', 'submitted', 'verified', 'staff:01900000-0000-7000-8000-000000000021', NULL, 0, '2026-11-27 00:21:54.459232+00'),
	('01a21a61-4eff-74eb-b0b3-410a90846ba0', '01a21a61-4efe-774e-b63a-659b84f1e153', NULL, 'submitted', 'staff:01900000-0000-7000-8000-000000000021', NULL, 0, '2026-11-27 00:21:54.459232+00'),
	('01a21a61-e7b5-7470-adae-a9cfdb746973', '01a21a61-e7b3-7622-a7c6-0fd62cc8da37', NULL, 'submitted', 'anyone', NULL, 0, '2026-11-27 00:22:33.642502+00'),
	('01a21a61-e7c9-759b-b901-2fc699efecad', '01a21a61-e7b3-7622-a7c6-0fd62cc8da37', 'submitted', 'verified', 'staff:01a21a61-cdb1-7592-9aed-ecbbdb1de385', NULL, 0, '2026-11-27 00:22:33.668108+00'),
	('01a21a61-e7d1-7033-9880-0c840e2be6b9', '01a21a61-e7b3-7622-a7c6-0fd62cc8da37', 'verified', 'published', 'staff:01a21a61-cdb1-7592-9aed-ecbbdb1de385', NULL, 0, '2026-11-27 00:22:33.67805+00'),
	('01a21a61-e7dd-7649-a6d2-3f8334778c43', '01a21a61-e7b3-7622-a7c6-0fd62cc8da37', 'published', 'claimed', 'volunteer:01a21a61-cdec-717c-855c-c6df8ddf07e2', NULL, 1, '2026-11-27 00:22:33.692052+00'),
	('01a21a61-e7f4-76bf-93d5-650178f026e1', '01a21a61-e7b3-7622-a7c6-0fd62cc8da37', 'claimed', 'fulfilled', 'volunteer:01a21a61-cdec-717c-855c-c6df8ddf07e2', NULL, 1, '2026-11-27 00:22:33.71297+00'),
	('01a21a61-e804-7425-a280-e0cc4b070018', '01a21a61-e7b3-7622-a7c6-0fd62cc8da37', 'fulfilled', 'confirmed', 'coordinator:01a21a61-cde3-709e-9787-fef3fc77d31e', NULL, 1, '2026-11-27 00:22:33.726935+00');
INSERT INTO "wishes"."wishes" OVERRIDING SYSTEM VALUE VALUES
	('01a21a61-4e9f-7161-a20e-ae3db6691c91', 1, '一条保暖的毛毯', '冬天冷, 想要一条厚毛毯。', 'goods', '60+', '01900000-0000-7000-8000-000000000003', '01a21a61-4e9d-7050-b67d-4d98cb663423', NULL, 'confirmed', '01900000-0000-7000-8000-000000000011', 'volunteer', 1, NULL, '已送到', 0, '2026-11-27 00:21:54.459232+00', '2026-11-27 00:21:54.459232+00', '2026-11-27 00:21:54.459232+00'),
	('01a21a61-4ecb-773b-9b60-4cdf80d9c887', 2, '一起看一场电影', '很久没进电影院了, 想有人陪。', 'company', '60+', '01900000-0000-7000-8000-000000000003', '01a21a61-4ecb-773b-9b60-4cdeaf7d347f', NULL, 'fulfilled', '01900000-0000-7000-8000-000000000012', 'volunteer', 1, NULL, '已送到', 0, '2026-11-27 00:21:54.459232+00', '2026-11-27 00:21:54.459232+00', NULL),
	('01a21a61-4eda-7487-969b-4147b8c4e4f7', 3, '一个新书包', '开学要用的书包, 蓝色最好。', 'goods', '0-13', '01900000-0000-7000-8000-000000000003', '01a21a61-4ed9-716a-90d4-5ac0bd334792', NULL, 'claimed', '01900000-0000-7000-8000-000000000004', 'organisation', 1, '2026-12-11 00:21:54.459232+00', NULL, 0, '2026-11-27 00:21:54.459232+00', '2026-11-27 00:21:54.459232+00', NULL),
	('01a21a61-4ee5-7287-9fdc-15a44aa409e2', 4, '修一修漏水的水龙头', '厨房的水龙头漏水, 盼有人来修。', 'service', '60+', '01900000-0000-7000-8000-000000000003', '01a21a61-4ee5-7287-9fdc-15a36703b565', NULL, 'published', NULL, NULL, 0, NULL, NULL, 0, '2026-11-27 00:21:54.459232+00', '2026-11-27 00:21:54.459232+00', NULL),
	('01a21a61-4eec-77b2-a745-1e04e324dd6b', 5, '一套彩色铅笔', '喜欢画画, 想要一套彩色铅笔。', 'goods', '0-13', '01900000-0000-7000-8000-000000000003', '01a21a61-4eec-77b2-a745-1e03664676d0', NULL, 'published', NULL, NULL, 0, NULL, NULL, 0, '2026-11-27 00:21:54.459232+00', '2026-11-27 00:21:54.459232+00', NULL),
	('01a21a61-4ef2-71ca-899b-cedf832eaed8', 6, '教我用智能手机', '想学会和外地的孙女视频。', 'service', '60+', '01900000-0000-7000-8000-000000000003', '01a21a61-4ef2-71ca-899b-cedecc3504e3', NULL, 'published', NULL, NULL, 0, NULL, NULL, 0, '2026-11-27 00:21:54.459232+00', '2026-11-27 00:21:54.459232+00', NULL),
	('01a21a61-4efb-729f-a316-7f65dbdcfea1', 7, '陪我下象棋', '周末下午想找人下棋。', 'company', '60+', '01900000-0000-7000-8000-000000000003', '01a21a61-4efa-750b-828f-36692784075f', NULL, 'verified', NULL, NULL, 0, NULL, NULL, 0, '2026-11-27 00:21:54.459232+00', NULL, NULL),
	('01a21a61-4efe-774e-b63a-659b84f1e153', 8, '一台收音机', '想听越剧, 小的就行。', 'goods', '60+', '01900000-0000-7000-8000-000000000003', '01a21a61-4efe-774e-b63a-659a761c54d9', NULL, 'submitted', NULL, NULL, 0, NULL, NULL, 0, '2026-11-27 00:21:54.459232+00', NULL, NULL),
	('01a21a61-e7b3-7622-a7c6-0fd62cc8da37', 9, '想要一件过冬棉衣', '红色，中号', 'clothing', '60+', '01a21a61-cde0-765e-a441-7c5b736be41f', '01a21a61-e7b1-7765-aa0e-89bed866e44f', NULL, 'confirmed', '01a21a61-cdec-717c-855c-c6df8ddf07e2', 'volunteer', 1, NULL, '已送到站点', 0, '2026-11-27 00:22:33.642502+00', '2026-11-27 00:22:33.67805+00', '2026-11-27 00:22:33.726935+00');
SELECT pg_catalog.setval('"notify"."outbox_sequence_seq"', 1, false);
SELECT pg_catalog.setval('"registration"."outbox_sequence_seq"', 28, true);
SELECT pg_catalog.setval('"registration"."sign_ups_queued_seq"', 3, true);
SELECT pg_catalog.setval('"registration"."volunteer_numbers"', 5, true);
SELECT pg_catalog.setval('"rewards"."outbox_sequence_seq"', 8, true);
SELECT pg_catalog.setval('"wishes"."outbox_sequence_seq"', 33, true);
SELECT pg_catalog.setval('"wishes"."wishes_number_seq"', 9, true);
ALTER TABLE ONLY "notify"."alembic_notify"
    ADD CONSTRAINT "alembic_notify_pkc" PRIMARY KEY ("version_num");
ALTER TABLE ONLY "notify"."alerts"
    ADD CONSTRAINT "pk_alerts" PRIMARY KEY ("id");
ALTER TABLE ONLY "notify"."attempts"
    ADD CONSTRAINT "pk_attempts" PRIMARY KEY ("event_id");
ALTER TABLE ONLY "notify"."dead_letters"
    ADD CONSTRAINT "pk_dead_letters" PRIMARY KEY ("id");
ALTER TABLE ONLY "notify"."deliveries"
    ADD CONSTRAINT "pk_deliveries" PRIMARY KEY ("id");
ALTER TABLE ONLY "notify"."delivery_attempts"
    ADD CONSTRAINT "pk_delivery_attempts" PRIMARY KEY ("id");
ALTER TABLE ONLY "notify"."denied_people"
    ADD CONSTRAINT "pk_denied_people" PRIMARY KEY ("person_id");
ALTER TABLE ONLY "notify"."ended_subscriptions"
    ADD CONSTRAINT "pk_ended_subscriptions" PRIMARY KEY ("id");
ALTER TABLE ONLY "notify"."erased_people"
    ADD CONSTRAINT "pk_erased_people" PRIMARY KEY ("person_id");
ALTER TABLE ONLY "notify"."feed_cursors"
    ADD CONSTRAINT "pk_feed_cursors" PRIMARY KEY ("source");
ALTER TABLE ONLY "notify"."idempotency_keys"
    ADD CONSTRAINT "pk_idempotency_keys" PRIMARY KEY ("scope");
ALTER TABLE ONLY "notify"."inbox"
    ADD CONSTRAINT "pk_inbox" PRIMARY KEY ("event_id");
ALTER TABLE ONLY "notify"."job_runs"
    ADD CONSTRAINT "pk_job_runs" PRIMARY KEY ("name", "period");
ALTER TABLE ONLY "notify"."merged_people"
    ADD CONSTRAINT "pk_merged_people" PRIMARY KEY ("person_id");
ALTER TABLE ONLY "notify"."messages"
    ADD CONSTRAINT "pk_messages" PRIMARY KEY ("id");
ALTER TABLE ONLY "notify"."outbox"
    ADD CONSTRAINT "pk_outbox" PRIMARY KEY ("id");
ALTER TABLE ONLY "notify"."preferences"
    ADD CONSTRAINT "pk_preferences" PRIMARY KEY ("person_id");
ALTER TABLE ONLY "notify"."subscription_secrets"
    ADD CONSTRAINT "pk_subscription_secrets" PRIMARY KEY ("id");
ALTER TABLE ONLY "notify"."subscriptions"
    ADD CONSTRAINT "pk_subscriptions" PRIMARY KEY ("id");
ALTER TABLE ONLY "notify"."alerts"
    ADD CONSTRAINT "uq_alerts_event_id_person_id_template" UNIQUE ("event_id", "person_id", "template");
ALTER TABLE ONLY "notify"."dead_letters"
    ADD CONSTRAINT "uq_dead_letters_event_id" UNIQUE ("event_id");
ALTER TABLE ONLY "notify"."deliveries"
    ADD CONSTRAINT "uq_deliveries_subscription_id_event_id" UNIQUE ("subscription_id", "event_id");
ALTER TABLE ONLY "registration"."alembic_registration"
    ADD CONSTRAINT "alembic_registration_pkc" PRIMARY KEY ("version_num");
ALTER TABLE ONLY "registration"."service_records"
    ADD CONSTRAINT "ex_service_records_no_overlap" EXCLUDE USING "gist" ("volunteer_id" WITH =, "tstzrange"("started_at", "ended_at") WITH &&) WHERE (((("status")::"text" = ANY ((ARRAY['pending'::character varying, 'recorded'::character varying])::"text"[])) AND "times_known"));
ALTER TABLE ONLY "registration"."sign_ups"
    ADD CONSTRAINT "ex_sign_ups_no_overlap" EXCLUDE USING "gist" ("volunteer_id" WITH =, "period" WITH &&) WHERE ((("status")::"text" = 'confirmed'::"text"));
ALTER TABLE ONLY "registration"."activities"
    ADD CONSTRAINT "pk_activities" PRIMARY KEY ("id");
ALTER TABLE ONLY "registration"."attempts"
    ADD CONSTRAINT "pk_attempts" PRIMARY KEY ("event_id");
ALTER TABLE ONLY "registration"."attendances"
    ADD CONSTRAINT "pk_attendances" PRIMARY KEY ("session_id", "volunteer_id");
ALTER TABLE ONLY "registration"."clients"
    ADD CONSTRAINT "pk_clients" PRIMARY KEY ("id");
ALTER TABLE ONLY "registration"."contact_looks"
    ADD CONSTRAINT "pk_contact_looks" PRIMARY KEY ("id");
ALTER TABLE ONLY "registration"."coordinations"
    ADD CONSTRAINT "pk_coordinations" PRIMARY KEY ("organisation_id", "volunteer_id");
ALTER TABLE ONLY "registration"."corrections"
    ADD CONSTRAINT "pk_corrections" PRIMARY KEY ("id");
ALTER TABLE ONLY "registration"."dead_letters"
    ADD CONSTRAINT "pk_dead_letters" PRIMARY KEY ("id");
ALTER TABLE ONLY "registration"."denied_people"
    ADD CONSTRAINT "pk_denied_people" PRIMARY KEY ("person_id");
ALTER TABLE ONLY "registration"."feed_cursors"
    ADD CONSTRAINT "pk_feed_cursors" PRIMARY KEY ("source");
ALTER TABLE ONLY "registration"."idempotency_keys"
    ADD CONSTRAINT "pk_idempotency_keys" PRIMARY KEY ("scope");
ALTER TABLE ONLY "registration"."inbox"
    ADD CONSTRAINT "pk_inbox" PRIMARY KEY ("event_id");
ALTER TABLE ONLY "registration"."job_runs"
    ADD CONSTRAINT "pk_job_runs" PRIMARY KEY ("name", "period");
ALTER TABLE ONLY "registration"."login_codes"
    ADD CONSTRAINT "pk_login_codes" PRIMARY KEY ("phone_hash");
ALTER TABLE ONLY "registration"."organisations"
    ADD CONSTRAINT "pk_organisations" PRIMARY KEY ("id");
ALTER TABLE ONLY "registration"."outbound_messages"
    ADD CONSTRAINT "pk_outbound_messages" PRIMARY KEY ("id");
ALTER TABLE ONLY "registration"."outbox"
    ADD CONSTRAINT "pk_outbox" PRIMARY KEY ("id");
ALTER TABLE ONLY "registration"."refresh_tokens"
    ADD CONSTRAINT "pk_refresh_tokens" PRIMARY KEY ("token_hash");
ALTER TABLE ONLY "registration"."service_records"
    ADD CONSTRAINT "pk_service_records" PRIMARY KEY ("id");
ALTER TABLE ONLY "registration"."sessions"
    ADD CONSTRAINT "pk_sessions" PRIMARY KEY ("id");
ALTER TABLE ONLY "registration"."sign_ups"
    ADD CONSTRAINT "pk_sign_ups" PRIMARY KEY ("session_id", "volunteer_id");
ALTER TABLE ONLY "registration"."staff_members"
    ADD CONSTRAINT "pk_staff_members" PRIMARY KEY ("id");
ALTER TABLE ONLY "registration"."volunteers"
    ADD CONSTRAINT "pk_volunteers" PRIMARY KEY ("id");
ALTER TABLE ONLY "registration"."clients"
    ADD CONSTRAINT "uq_clients_client_id" UNIQUE ("client_id");
ALTER TABLE ONLY "registration"."dead_letters"
    ADD CONSTRAINT "uq_dead_letters_event_id" UNIQUE ("event_id");
ALTER TABLE ONLY "registration"."service_records"
    ADD CONSTRAINT "uq_service_records_client_reference" UNIQUE ("client", "reference");
ALTER TABLE ONLY "registration"."sign_ups"
    ADD CONSTRAINT "uq_sign_ups_id" UNIQUE ("id");
ALTER TABLE ONLY "registration"."staff_members"
    ADD CONSTRAINT "uq_staff_members_login" UNIQUE ("login");
ALTER TABLE ONLY "registration"."volunteers"
    ADD CONSTRAINT "uq_volunteers_number" UNIQUE ("number");
ALTER TABLE ONLY "rewards"."alembic_rewards"
    ADD CONSTRAINT "alembic_rewards_pkc" PRIMARY KEY ("version_num");
ALTER TABLE ONLY "rewards"."accounts"
    ADD CONSTRAINT "pk_accounts" PRIMARY KEY ("volunteer_id");
ALTER TABLE ONLY "rewards"."attempts"
    ADD CONSTRAINT "pk_attempts" PRIMARY KEY ("event_id");
ALTER TABLE ONLY "rewards"."backorders"
    ADD CONSTRAINT "pk_backorders" PRIMARY KEY ("id");
ALTER TABLE ONLY "rewards"."code_looks"
    ADD CONSTRAINT "pk_code_looks" PRIMARY KEY ("id");
ALTER TABLE ONLY "rewards"."corrections"
    ADD CONSTRAINT "pk_corrections" PRIMARY KEY ("correction_id");
ALTER TABLE ONLY "rewards"."credited_records"
    ADD CONSTRAINT "pk_credited_records" PRIMARY KEY ("record_id");
ALTER TABLE ONLY "rewards"."dead_letters"
    ADD CONSTRAINT "pk_dead_letters" PRIMARY KEY ("id");
ALTER TABLE ONLY "rewards"."denied_people"
    ADD CONSTRAINT "pk_denied_people" PRIMARY KEY ("person_id");
ALTER TABLE ONLY "rewards"."disputes"
    ADD CONSTRAINT "pk_disputes" PRIMARY KEY ("id");
ALTER TABLE ONLY "rewards"."exported_heads"
    ADD CONSTRAINT "pk_exported_heads" PRIMARY KEY ("exported_on");
ALTER TABLE ONLY "rewards"."failed_looks"
    ADD CONSTRAINT "pk_failed_looks" PRIMARY KEY ("id");
ALTER TABLE ONLY "rewards"."feed_cursors"
    ADD CONSTRAINT "pk_feed_cursors" PRIMARY KEY ("source");
ALTER TABLE ONLY "rewards"."handovers"
    ADD CONSTRAINT "pk_handovers" PRIMARY KEY ("id");
ALTER TABLE ONLY "rewards"."idempotency_keys"
    ADD CONSTRAINT "pk_idempotency_keys" PRIMARY KEY ("scope");
ALTER TABLE ONLY "rewards"."inbox"
    ADD CONSTRAINT "pk_inbox" PRIMARY KEY ("event_id");
ALTER TABLE ONLY "rewards"."job_runs"
    ADD CONSTRAINT "pk_job_runs" PRIMARY KEY ("name", "period");
ALTER TABLE ONLY "rewards"."lock_outs"
    ADD CONSTRAINT "pk_lock_outs" PRIMARY KEY ("scope");
ALTER TABLE ONLY "rewards"."outbox"
    ADD CONSTRAINT "pk_outbox" PRIMARY KEY ("id");
ALTER TABLE ONLY "rewards"."pending_resolutions"
    ADD CONSTRAINT "pk_pending_resolutions" PRIMARY KEY ("pending_id");
ALTER TABLE ONLY "rewards"."pending_transfers"
    ADD CONSTRAINT "pk_pending_transfers" PRIMARY KEY ("id");
ALTER TABLE ONLY "rewards"."pool_requests"
    ADD CONSTRAINT "pk_pool_requests" PRIMARY KEY ("id");
ALTER TABLE ONLY "rewards"."pool_wishes"
    ADD CONSTRAINT "pk_pool_wishes" PRIMARY KEY ("wish_id");
ALTER TABLE ONLY "rewards"."products"
    ADD CONSTRAINT "pk_products" PRIMARY KEY ("id");
ALTER TABLE ONLY "rewards"."redemptions"
    ADD CONSTRAINT "pk_redemptions" PRIMARY KEY ("id");
ALTER TABLE ONLY "rewards"."rule_runs"
    ADD CONSTRAINT "pk_rule_runs" PRIMARY KEY ("id");
ALTER TABLE ONLY "rewards"."rules"
    ADD CONSTRAINT "pk_rules" PRIMARY KEY ("id");
ALTER TABLE ONLY "rewards"."seals"
    ADD CONSTRAINT "pk_seals" PRIMARY KEY ("number");
ALTER TABLE ONLY "rewards"."settlement_lines"
    ADD CONSTRAINT "pk_settlement_lines" PRIMARY KEY ("settlement_id", "redemption_id");
ALTER TABLE ONLY "rewards"."settlements"
    ADD CONSTRAINT "pk_settlements" PRIMARY KEY ("id");
ALTER TABLE ONLY "rewards"."stocks"
    ADD CONSTRAINT "pk_stocks" PRIMARY KEY ("product_id");
ALTER TABLE ONLY "rewards"."sweeps"
    ADD CONSTRAINT "pk_sweeps" PRIMARY KEY ("name");
ALTER TABLE ONLY "rewards"."transfers"
    ADD CONSTRAINT "pk_transfers" PRIMARY KEY ("id");
ALTER TABLE ONLY "rewards"."venue_secrets"
    ADD CONSTRAINT "pk_venue_secrets" PRIMARY KEY ("id");
ALTER TABLE ONLY "rewards"."venue_statement_lines"
    ADD CONSTRAINT "pk_venue_statement_lines" PRIMARY KEY ("statement_id", "number");
ALTER TABLE ONLY "rewards"."venue_statements"
    ADD CONSTRAINT "pk_venue_statements" PRIMARY KEY ("id");
ALTER TABLE ONLY "rewards"."venues"
    ADD CONSTRAINT "pk_venues" PRIMARY KEY ("id");
ALTER TABLE ONLY "rewards"."vouchers"
    ADD CONSTRAINT "pk_vouchers" PRIMARY KEY ("id");
ALTER TABLE ONLY "rewards"."webhook_receipts"
    ADD CONSTRAINT "pk_webhook_receipts" PRIMARY KEY ("venue_id", "webhook_id");
ALTER TABLE ONLY "rewards"."backorders"
    ADD CONSTRAINT "uq_backorders_voucher_id" UNIQUE ("voucher_id");
ALTER TABLE ONLY "rewards"."dead_letters"
    ADD CONSTRAINT "uq_dead_letters_event_id" UNIQUE ("event_id");
ALTER TABLE ONLY "rewards"."disputes"
    ADD CONSTRAINT "uq_disputes_venue_id_reference_reason_code" UNIQUE ("venue_id", "reference", "reason_code");
ALTER TABLE ONLY "rewards"."handovers"
    ADD CONSTRAINT "uq_handovers_from_voucher_id" UNIQUE ("from_voucher_id");
ALTER TABLE ONLY "rewards"."handovers"
    ADD CONSTRAINT "uq_handovers_to_voucher_id" UNIQUE ("to_voucher_id");
ALTER TABLE ONLY "rewards"."redemptions"
    ADD CONSTRAINT "uq_redemptions_venue_id_reference" UNIQUE ("venue_id", "reference");
ALTER TABLE ONLY "rewards"."rules"
    ADD CONSTRAINT "uq_rules_kind_scope_version" UNIQUE ("kind", "scope", "version");
ALTER TABLE ONLY "rewards"."transfers"
    ADD CONSTRAINT "uq_transfers_kind_cause_id" UNIQUE ("kind", "cause_id");
ALTER TABLE ONLY "rewards"."vouchers"
    ADD CONSTRAINT "uq_vouchers_code_fingerprint" UNIQUE ("code_fingerprint");
ALTER TABLE ONLY "rewards"."vouchers"
    ADD CONSTRAINT "uq_vouchers_hold_id" UNIQUE ("hold_id");
ALTER TABLE ONLY "wishes"."alembic_wishes"
    ADD CONSTRAINT "alembic_wishes_pkc" PRIMARY KEY ("version_num");
ALTER TABLE ONLY "wishes"."attempts"
    ADD CONSTRAINT "pk_attempts" PRIMARY KEY ("event_id");
ALTER TABLE ONLY "wishes"."beneficiaries"
    ADD CONSTRAINT "pk_beneficiaries" PRIMARY KEY ("id");
ALTER TABLE ONLY "wishes"."claimer_loads"
    ADD CONSTRAINT "pk_claimer_loads" PRIMARY KEY ("claimer_id");
ALTER TABLE ONLY "wishes"."contact_looks"
    ADD CONSTRAINT "pk_contact_looks" PRIMARY KEY ("id");
ALTER TABLE ONLY "wishes"."dead_letters"
    ADD CONSTRAINT "pk_dead_letters" PRIMARY KEY ("id");
ALTER TABLE ONLY "wishes"."denied_people"
    ADD CONSTRAINT "pk_denied_people" PRIMARY KEY ("person_id");
ALTER TABLE ONLY "wishes"."feed_cursors"
    ADD CONSTRAINT "pk_feed_cursors" PRIMARY KEY ("source");
ALTER TABLE ONLY "wishes"."idempotency_keys"
    ADD CONSTRAINT "pk_idempotency_keys" PRIMARY KEY ("scope");
ALTER TABLE ONLY "wishes"."inbox"
    ADD CONSTRAINT "pk_inbox" PRIMARY KEY ("event_id");
ALTER TABLE ONLY "wishes"."job_runs"
    ADD CONSTRAINT "pk_job_runs" PRIMARY KEY ("name", "period");
ALTER TABLE ONLY "wishes"."known_organisations"
    ADD CONSTRAINT "pk_known_organisations" PRIMARY KEY ("id");
ALTER TABLE ONLY "wishes"."outbox"
    ADD CONSTRAINT "pk_outbox" PRIMARY KEY ("id");
ALTER TABLE ONLY "wishes"."wish_moves"
    ADD CONSTRAINT "pk_wish_moves" PRIMARY KEY ("id");
ALTER TABLE ONLY "wishes"."wishes"
    ADD CONSTRAINT "pk_wishes" PRIMARY KEY ("id");
ALTER TABLE ONLY "wishes"."dead_letters"
    ADD CONSTRAINT "uq_dead_letters_event_id" UNIQUE ("event_id");
ALTER TABLE ONLY "wishes"."wishes"
    ADD CONSTRAINT "uq_wishes_beneficiary_id" UNIQUE ("beneficiary_id");
ALTER TABLE ONLY "wishes"."wishes"
    ADD CONSTRAINT "uq_wishes_number" UNIQUE ("number");
CREATE INDEX "ix_alerts_person_id_id" ON "notify"."alerts" USING "btree" ("person_id", "id");
CREATE INDEX "ix_alerts_unread" ON "notify"."alerts" USING "btree" ("person_id", "id") WHERE ("read_at" IS NULL);
CREATE INDEX "ix_attempts_due_at" ON "notify"."attempts" USING "btree" ("due_at");
CREATE INDEX "ix_deliveries_created_at" ON "notify"."deliveries" USING "btree" ("created_at");
CREATE INDEX "ix_deliveries_waiting" ON "notify"."deliveries" USING "btree" ("subscription_id", "due_at") WHERE (("status")::"text" = 'waiting'::"text");
CREATE INDEX "ix_delivery_attempts_delivery_id" ON "notify"."delivery_attempts" USING "btree" ("delivery_id");
CREATE INDEX "ix_delivery_attempts_subscription_id_id" ON "notify"."delivery_attempts" USING "btree" ("subscription_id", "id");
CREATE INDEX "ix_idempotency_keys_created_at" ON "notify"."idempotency_keys" USING "btree" ("created_at");
CREATE INDEX "ix_merged_people_into_id" ON "notify"."merged_people" USING "btree" ("into_id");
CREATE INDEX "ix_messages_expires_at" ON "notify"."messages" USING "btree" ("expires_at");
CREATE INDEX "ix_outbox_feed" ON "notify"."outbox" USING "btree" ("txid", "id");
CREATE INDEX "ix_outbox_unpublished" ON "notify"."outbox" USING "btree" ("sequence") WHERE ("published_at" IS NULL);
CREATE INDEX "ix_subscription_secrets_subscription_id" ON "notify"."subscription_secrets" USING "btree" ("subscription_id");
CREATE INDEX "ix_activities_organisation_id_id" ON "registration"."activities" USING "btree" ("organisation_id", "id");
CREATE INDEX "ix_activities_status_id" ON "registration"."activities" USING "btree" ("status", "id");
CREATE INDEX "ix_attempts_due_at" ON "registration"."attempts" USING "btree" ("due_at");
CREATE INDEX "ix_attendances_open" ON "registration"."attendances" USING "btree" ("session_id") WHERE ("checked_out_at" IS NULL);
CREATE INDEX "ix_attendances_volunteer_id" ON "registration"."attendances" USING "btree" ("volunteer_id");
CREATE INDEX "ix_contact_looks_volunteer_id" ON "registration"."contact_looks" USING "btree" ("volunteer_id");
CREATE INDEX "ix_coordinations_volunteer_id" ON "registration"."coordinations" USING "btree" ("volunteer_id");
CREATE INDEX "ix_corrections_record_id" ON "registration"."corrections" USING "btree" ("record_id");
CREATE INDEX "ix_idempotency_keys_created_at" ON "registration"."idempotency_keys" USING "btree" ("created_at");
CREATE INDEX "ix_login_codes_expires_at" ON "registration"."login_codes" USING "btree" ("expires_at");
CREATE INDEX "ix_organisations_kind_id" ON "registration"."organisations" USING "btree" ("kind", "id");
CREATE INDEX "ix_organisations_parent_id" ON "registration"."organisations" USING "btree" ("parent_id");
CREATE INDEX "ix_outbound_messages_expires_at" ON "registration"."outbound_messages" USING "btree" ("expires_at");
CREATE INDEX "ix_outbound_messages_phone_hash" ON "registration"."outbound_messages" USING "btree" ("phone_hash");
CREATE INDEX "ix_outbox_feed" ON "registration"."outbox" USING "btree" ("txid", "id");
CREATE INDEX "ix_outbox_unpublished" ON "registration"."outbox" USING "btree" ("sequence") WHERE ("published_at" IS NULL);
CREATE INDEX "ix_refresh_tokens_expires_at" ON "registration"."refresh_tokens" USING "btree" ("expires_at");
CREATE INDEX "ix_refresh_tokens_family_id" ON "registration"."refresh_tokens" USING "btree" ("family_id");
CREATE INDEX "ix_refresh_tokens_person_id" ON "registration"."refresh_tokens" USING "btree" ("person_id");
CREATE INDEX "ix_service_records_pending" ON "registration"."service_records" USING "btree" ("organisation_id", "id") WHERE (("status")::"text" = 'pending'::"text");
CREATE INDEX "ix_service_records_root_id" ON "registration"."service_records" USING "btree" ("root_id");
CREATE INDEX "ix_service_records_volunteer_id_id" ON "registration"."service_records" USING "btree" ("volunteer_id", "id");
CREATE INDEX "ix_sessions_activity_id_id" ON "registration"."sessions" USING "btree" ("activity_id", "id");
CREATE INDEX "ix_sessions_ends_at" ON "registration"."sessions" USING "btree" ("ends_at");
CREATE INDEX "ix_sign_ups_queue" ON "registration"."sign_ups" USING "btree" ("session_id", "queued") WHERE (("status")::"text" = 'waitlisted'::"text");
CREATE INDEX "ix_sign_ups_volunteer_id_id" ON "registration"."sign_ups" USING "btree" ("volunteer_id", "id");
CREATE INDEX "ix_volunteers_merged_into_id" ON "registration"."volunteers" USING "btree" ("merged_into_id");
CREATE INDEX "ix_volunteers_phone_hash" ON "registration"."volunteers" USING "btree" ("phone_hash");
CREATE INDEX "ix_volunteers_status_id" ON "registration"."volunteers" USING "btree" ("status", "id");
CREATE INDEX "ix_accounts_merged_into" ON "rewards"."accounts" USING "btree" ("merged_into") WHERE ("merged_into" IS NOT NULL);
CREATE INDEX "ix_attempts_due_at" ON "rewards"."attempts" USING "btree" ("due_at");
CREATE INDEX "ix_backorders_volunteer_id_id" ON "rewards"."backorders" USING "btree" ("volunteer_id", "id");
CREATE INDEX "ix_backorders_waiting" ON "rewards"."backorders" USING "btree" ("product_id", "id") WHERE (("status")::"text" = 'waiting'::"text");
CREATE INDEX "ix_code_looks_voucher_id" ON "rewards"."code_looks" USING "btree" ("voucher_id");
CREATE INDEX "ix_corrections_record_id" ON "rewards"."corrections" USING "btree" ("record_id");
CREATE INDEX "ix_credited_records_volunteer_id" ON "rewards"."credited_records" USING "btree" ("volunteer_id", "record_id");
CREATE INDEX "ix_disputes_due_at" ON "rewards"."disputes" USING "btree" ("due_at") WHERE (("status")::"text" = 'open'::"text");
CREATE INDEX "ix_disputes_venue_id_id" ON "rewards"."disputes" USING "btree" ("venue_id", "id");
CREATE INDEX "ix_failed_looks_looked_at" ON "rewards"."failed_looks" USING "btree" ("looked_at");
CREATE INDEX "ix_failed_looks_venue_id_looked_at" ON "rewards"."failed_looks" USING "btree" ("venue_id", "looked_at");
CREATE INDEX "ix_handovers_giver_id_id" ON "rewards"."handovers" USING "btree" ("giver_id", "id") WHERE ("giver_id" IS NOT NULL);
CREATE INDEX "ix_handovers_receiver_id_id" ON "rewards"."handovers" USING "btree" ("receiver_id", "id") WHERE ("receiver_id" IS NOT NULL);
CREATE INDEX "ix_idempotency_keys_created_at" ON "rewards"."idempotency_keys" USING "btree" ("created_at");
CREATE INDEX "ix_outbox_feed" ON "rewards"."outbox" USING "btree" ("txid", "id");
CREATE INDEX "ix_outbox_unpublished" ON "rewards"."outbox" USING "btree" ("sequence") WHERE ("published_at" IS NULL);
CREATE INDEX "ix_pool_requests_granted" ON "rewards"."pool_requests" USING "btree" ("recipient_id", "ended_at") WHERE (("status")::"text" = 'granted'::"text");
CREATE INDEX "ix_pool_requests_holder_id_id" ON "rewards"."pool_requests" USING "btree" ("holder_id", "id");
CREATE INDEX "ix_pool_requests_waiting_id" ON "rewards"."pool_requests" USING "btree" ("id") WHERE (("status")::"text" = 'waiting'::"text");
CREATE INDEX "ix_pool_wishes_open" ON "rewards"."pool_wishes" USING "btree" ("wish_id") WHERE (("status")::"text" = 'open'::"text");
CREATE INDEX "ix_products_venue_id" ON "rewards"."products" USING "btree" ("venue_id");
CREATE INDEX "ix_redemptions_unsettled" ON "rewards"."redemptions" USING "btree" ("venue_id", "redeemed_at") WHERE (("reversed_at" IS NULL) AND ("settled_at" IS NULL));
CREATE INDEX "ix_settlements_venue_id_id" ON "rewards"."settlements" USING "btree" ("venue_id", "id");
CREATE INDEX "ix_transfers_credit_account" ON "rewards"."transfers" USING "btree" ("credit_account", "created_at") WHERE (("kind")::"text" = ANY ((ARRAY['redeemed'::character varying, 'reopened'::character varying, 'given'::character varying, 'donated'::character varying])::"text"[]));
CREATE INDEX "ix_transfers_debit_account" ON "rewards"."transfers" USING "btree" ("debit_account", "created_at") WHERE (("kind")::"text" = ANY ((ARRAY['reversed'::character varying, 'settled'::character varying, 'allocated'::character varying, 'expired'::character varying, 'voided'::character varying])::"text"[]));
CREATE INDEX "ix_transfers_txid_id" ON "rewards"."transfers" USING "btree" ("txid", "id");
CREATE INDEX "ix_transfers_volunteer_id_id" ON "rewards"."transfers" USING "btree" ("volunteer_id", "id");
CREATE INDEX "ix_venue_secrets_venue_id" ON "rewards"."venue_secrets" USING "btree" ("venue_id");
CREATE INDEX "ix_venue_statements_venue_id_month" ON "rewards"."venue_statements" USING "btree" ("venue_id", "month", "id");
CREATE INDEX "ix_vouchers_expires_at" ON "rewards"."vouchers" USING "btree" ("expires_at") WHERE (("status")::"text" = ANY ((ARRAY['issued'::character varying, 'held'::character varying])::"text"[]));
CREATE INDEX "ix_vouchers_held_until" ON "rewards"."vouchers" USING "btree" ("held_until") WHERE (("status")::"text" = 'held'::"text");
CREATE INDEX "ix_vouchers_holder_id_id" ON "rewards"."vouchers" USING "btree" ("holder_id", "id");
CREATE INDEX "ix_vouchers_pool" ON "rewards"."vouchers" USING "btree" ("product_id", "expires_at", "id") WHERE (("holder_id" IS NULL) AND (("status")::"text" = 'issued'::"text") AND (("origin")::"text" <> 'sandbox'::"text"));
CREATE INDEX "ix_webhook_receipts_received_at" ON "rewards"."webhook_receipts" USING "btree" ("received_at");
CREATE UNIQUE INDEX "uq_pool_requests_waiting" ON "rewards"."pool_requests" USING "btree" ("recipient_id") WHERE (("status")::"text" = 'waiting'::"text");
CREATE UNIQUE INDEX "uq_redemptions_voucher_id" ON "rewards"."redemptions" USING "btree" ("voucher_id") WHERE ("reversed_at" IS NULL);
CREATE UNIQUE INDEX "uq_settlement_lines_redemption_id" ON "rewards"."settlement_lines" USING "btree" ("redemption_id") WHERE "stands";
CREATE UNIQUE INDEX "uq_settlements_venue_id_month" ON "rewards"."settlements" USING "btree" ("venue_id", "month") WHERE ("reopened_at" IS NULL);
CREATE INDEX "ix_attempts_due_at" ON "wishes"."attempts" USING "btree" ("due_at");
CREATE INDEX "ix_contact_looks_wish_id_id" ON "wishes"."contact_looks" USING "btree" ("wish_id", "id");
CREATE INDEX "ix_idempotency_keys_created_at" ON "wishes"."idempotency_keys" USING "btree" ("created_at");
CREATE INDEX "ix_outbox_feed" ON "wishes"."outbox" USING "btree" ("txid", "id");
CREATE INDEX "ix_outbox_unpublished" ON "wishes"."outbox" USING "btree" ("sequence") WHERE ("published_at" IS NULL);
CREATE INDEX "ix_wish_moves_wish_id_id" ON "wishes"."wish_moves" USING "btree" ("wish_id", "id");
CREATE INDEX "ix_wishes_board" ON "wishes"."wishes" USING "btree" ("id") WHERE (("status")::"text" = ANY ((ARRAY['published'::character varying, 'claimed'::character varying, 'fulfilled'::character varying, 'confirmed'::character varying])::"text"[]));
CREATE INDEX "ix_wishes_board_category" ON "wishes"."wishes" USING "btree" ("category", "id") WHERE (("status")::"text" = ANY ((ARRAY['published'::character varying, 'claimed'::character varying, 'fulfilled'::character varying, 'confirmed'::character varying])::"text"[]));
CREATE INDEX "ix_wishes_category_status" ON "wishes"."wishes" USING "btree" ("category", "status");
CREATE INDEX "ix_wishes_claimer_id_id" ON "wishes"."wishes" USING "btree" ("claimer_id", "id") WHERE ("claimer_id" IS NOT NULL);
CREATE INDEX "ix_wishes_ended_at" ON "wishes"."wishes" USING "btree" ("ended_at") WHERE ("ended_at" IS NOT NULL);
CREATE INDEX "ix_wishes_lease_until" ON "wishes"."wishes" USING "btree" ("lease_until") WHERE (("status")::"text" = 'claimed'::"text");
CREATE INDEX "ix_wishes_need_by" ON "wishes"."wishes" USING "btree" ("need_by") WHERE (("status")::"text" = 'published'::"text");
CREATE INDEX "ix_wishes_station_id_id" ON "wishes"."wishes" USING "btree" ("station_id", "id");
CREATE INDEX "ix_wishes_status_id" ON "wishes"."wishes" USING "btree" ("status", "id");
ALTER TABLE ONLY "notify"."deliveries"
    ADD CONSTRAINT "fk_deliveries_subscription_id_subscriptions" FOREIGN KEY ("subscription_id") REFERENCES "notify"."subscriptions"("id") ON DELETE CASCADE;
ALTER TABLE ONLY "notify"."delivery_attempts"
    ADD CONSTRAINT "fk_delivery_attempts_delivery_id_deliveries" FOREIGN KEY ("delivery_id") REFERENCES "notify"."deliveries"("id") ON DELETE CASCADE;
ALTER TABLE ONLY "notify"."subscription_secrets"
    ADD CONSTRAINT "fk_subscription_secrets_subscription_id_subscriptions" FOREIGN KEY ("subscription_id") REFERENCES "notify"."subscriptions"("id") ON DELETE CASCADE;
ALTER TABLE ONLY "registration"."activities"
    ADD CONSTRAINT "fk_activities_organisation_id_organisations" FOREIGN KEY ("organisation_id") REFERENCES "registration"."organisations"("id");
ALTER TABLE ONLY "registration"."attendances"
    ADD CONSTRAINT "fk_attendances_record_id_service_records" FOREIGN KEY ("record_id") REFERENCES "registration"."service_records"("id");
ALTER TABLE ONLY "registration"."attendances"
    ADD CONSTRAINT "fk_attendances_session_id_sessions" FOREIGN KEY ("session_id") REFERENCES "registration"."sessions"("id");
ALTER TABLE ONLY "registration"."attendances"
    ADD CONSTRAINT "fk_attendances_volunteer_id_volunteers" FOREIGN KEY ("volunteer_id") REFERENCES "registration"."volunteers"("id");
ALTER TABLE ONLY "registration"."contact_looks"
    ADD CONSTRAINT "fk_contact_looks_volunteer_id_volunteers" FOREIGN KEY ("volunteer_id") REFERENCES "registration"."volunteers"("id");
ALTER TABLE ONLY "registration"."coordinations"
    ADD CONSTRAINT "fk_coordinations_organisation_id_organisations" FOREIGN KEY ("organisation_id") REFERENCES "registration"."organisations"("id");
ALTER TABLE ONLY "registration"."coordinations"
    ADD CONSTRAINT "fk_coordinations_volunteer_id_volunteers" FOREIGN KEY ("volunteer_id") REFERENCES "registration"."volunteers"("id");
ALTER TABLE ONLY "registration"."corrections"
    ADD CONSTRAINT "fk_corrections_new_record_id_service_records" FOREIGN KEY ("new_record_id") REFERENCES "registration"."service_records"("id");
ALTER TABLE ONLY "registration"."corrections"
    ADD CONSTRAINT "fk_corrections_record_id_service_records" FOREIGN KEY ("record_id") REFERENCES "registration"."service_records"("id");
ALTER TABLE ONLY "registration"."organisations"
    ADD CONSTRAINT "fk_organisations_parent_id_organisations" FOREIGN KEY ("parent_id") REFERENCES "registration"."organisations"("id");
ALTER TABLE ONLY "registration"."service_records"
    ADD CONSTRAINT "fk_service_records_organisation_id_organisations" FOREIGN KEY ("organisation_id") REFERENCES "registration"."organisations"("id");
ALTER TABLE ONLY "registration"."service_records"
    ADD CONSTRAINT "fk_service_records_session_id_sessions" FOREIGN KEY ("session_id") REFERENCES "registration"."sessions"("id");
ALTER TABLE ONLY "registration"."service_records"
    ADD CONSTRAINT "fk_service_records_volunteer_id_volunteers" FOREIGN KEY ("volunteer_id") REFERENCES "registration"."volunteers"("id");
ALTER TABLE ONLY "registration"."sessions"
    ADD CONSTRAINT "fk_sessions_activity_id_activities" FOREIGN KEY ("activity_id") REFERENCES "registration"."activities"("id");
ALTER TABLE ONLY "registration"."sign_ups"
    ADD CONSTRAINT "fk_sign_ups_session_id_sessions" FOREIGN KEY ("session_id") REFERENCES "registration"."sessions"("id");
ALTER TABLE ONLY "registration"."sign_ups"
    ADD CONSTRAINT "fk_sign_ups_volunteer_id_volunteers" FOREIGN KEY ("volunteer_id") REFERENCES "registration"."volunteers"("id");
ALTER TABLE ONLY "registration"."volunteers"
    ADD CONSTRAINT "fk_volunteers_merged_into_id_volunteers" FOREIGN KEY ("merged_into_id") REFERENCES "registration"."volunteers"("id");
ALTER TABLE ONLY "rewards"."backorders"
    ADD CONSTRAINT "fk_backorders_product_id_products" FOREIGN KEY ("product_id") REFERENCES "rewards"."products"("id");
ALTER TABLE ONLY "rewards"."code_looks"
    ADD CONSTRAINT "fk_code_looks_voucher_id_vouchers" FOREIGN KEY ("voucher_id") REFERENCES "rewards"."vouchers"("id");
ALTER TABLE ONLY "rewards"."disputes"
    ADD CONSTRAINT "fk_disputes_settlement_id_settlements" FOREIGN KEY ("settlement_id") REFERENCES "rewards"."settlements"("id");
ALTER TABLE ONLY "rewards"."handovers"
    ADD CONSTRAINT "fk_handovers_from_voucher_id_vouchers" FOREIGN KEY ("from_voucher_id") REFERENCES "rewards"."vouchers"("id");
ALTER TABLE ONLY "rewards"."handovers"
    ADD CONSTRAINT "fk_handovers_to_voucher_id_vouchers" FOREIGN KEY ("to_voucher_id") REFERENCES "rewards"."vouchers"("id");
ALTER TABLE ONLY "rewards"."pending_resolutions"
    ADD CONSTRAINT "fk_pending_resolutions_pending_id_pending_transfers" FOREIGN KEY ("pending_id") REFERENCES "rewards"."pending_transfers"("id");
ALTER TABLE ONLY "rewards"."pool_requests"
    ADD CONSTRAINT "fk_pool_requests_product_id_products" FOREIGN KEY ("product_id") REFERENCES "rewards"."products"("id");
ALTER TABLE ONLY "rewards"."products"
    ADD CONSTRAINT "fk_products_venue_id_venues" FOREIGN KEY ("venue_id") REFERENCES "rewards"."venues"("id");
ALTER TABLE ONLY "rewards"."redemptions"
    ADD CONSTRAINT "fk_redemptions_voucher_id_vouchers" FOREIGN KEY ("voucher_id") REFERENCES "rewards"."vouchers"("id");
ALTER TABLE ONLY "rewards"."settlement_lines"
    ADD CONSTRAINT "fk_settlement_lines_redemption_id_redemptions" FOREIGN KEY ("redemption_id") REFERENCES "rewards"."redemptions"("id");
ALTER TABLE ONLY "rewards"."settlement_lines"
    ADD CONSTRAINT "fk_settlement_lines_settlement_id_settlements" FOREIGN KEY ("settlement_id") REFERENCES "rewards"."settlements"("id");
ALTER TABLE ONLY "rewards"."settlements"
    ADD CONSTRAINT "fk_settlements_venue_id_venues" FOREIGN KEY ("venue_id") REFERENCES "rewards"."venues"("id");
ALTER TABLE ONLY "rewards"."stocks"
    ADD CONSTRAINT "fk_stocks_product_id_products" FOREIGN KEY ("product_id") REFERENCES "rewards"."products"("id");
ALTER TABLE ONLY "rewards"."venue_secrets"
    ADD CONSTRAINT "fk_venue_secrets_venue_id_venues" FOREIGN KEY ("venue_id") REFERENCES "rewards"."venues"("id");
ALTER TABLE ONLY "rewards"."venue_statement_lines"
    ADD CONSTRAINT "fk_venue_statement_lines_statement_id_venue_statements" FOREIGN KEY ("statement_id") REFERENCES "rewards"."venue_statements"("id");
ALTER TABLE ONLY "rewards"."venue_statements"
    ADD CONSTRAINT "fk_venue_statements_venue_id_venues" FOREIGN KEY ("venue_id") REFERENCES "rewards"."venues"("id");
ALTER TABLE ONLY "rewards"."vouchers"
    ADD CONSTRAINT "fk_vouchers_product_id_products" FOREIGN KEY ("product_id") REFERENCES "rewards"."products"("id");
ALTER TABLE ONLY "wishes"."wish_moves"
    ADD CONSTRAINT "fk_wish_moves_wish_id_wishes" FOREIGN KEY ("wish_id") REFERENCES "wishes"."wishes"("id");
ALTER TABLE ONLY "wishes"."wishes"
    ADD CONSTRAINT "fk_wishes_beneficiary_id_beneficiaries" FOREIGN KEY ("beneficiary_id") REFERENCES "wishes"."beneficiaries"("id");
GRANT USAGE ON SCHEMA "notify" TO "notify_app";
GRANT USAGE ON SCHEMA "registration" TO "registration_app";
GRANT USAGE ON SCHEMA "rewards" TO "rewards_app";
GRANT USAGE ON SCHEMA "wishes" TO "wishes_app";
GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE "notify"."alembic_notify" TO "notify_app";
GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE "notify"."alerts" TO "notify_app";
GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE "notify"."attempts" TO "notify_app";
GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE "notify"."dead_letters" TO "notify_app";
GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE "notify"."deliveries" TO "notify_app";
GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE "notify"."delivery_attempts" TO "notify_app";
GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE "notify"."denied_people" TO "notify_app";
GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE "notify"."ended_subscriptions" TO "notify_app";
GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE "notify"."erased_people" TO "notify_app";
GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE "notify"."feed_cursors" TO "notify_app";
GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE "notify"."idempotency_keys" TO "notify_app";
GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE "notify"."inbox" TO "notify_app";
GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE "notify"."job_runs" TO "notify_app";
GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE "notify"."merged_people" TO "notify_app";
GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE "notify"."messages" TO "notify_app";
GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE "notify"."outbox" TO "notify_app";
GRANT SELECT,USAGE ON SEQUENCE "notify"."outbox_sequence_seq" TO "notify_app";
GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE "notify"."preferences" TO "notify_app";
GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE "notify"."subscription_secrets" TO "notify_app";
GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE "notify"."subscriptions" TO "notify_app";
GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE "registration"."activities" TO "registration_app";
GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE "registration"."alembic_registration" TO "registration_app";
GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE "registration"."attempts" TO "registration_app";
GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE "registration"."attendances" TO "registration_app";
GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE "registration"."clients" TO "registration_app";
GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE "registration"."contact_looks" TO "registration_app";
GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE "registration"."coordinations" TO "registration_app";
GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE "registration"."corrections" TO "registration_app";
GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE "registration"."dead_letters" TO "registration_app";
GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE "registration"."denied_people" TO "registration_app";
GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE "registration"."feed_cursors" TO "registration_app";
GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE "registration"."idempotency_keys" TO "registration_app";
GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE "registration"."inbox" TO "registration_app";
GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE "registration"."job_runs" TO "registration_app";
GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE "registration"."login_codes" TO "registration_app";
GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE "registration"."organisations" TO "registration_app";
GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE "registration"."outbound_messages" TO "registration_app";
GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE "registration"."outbox" TO "registration_app";
GRANT SELECT,USAGE ON SEQUENCE "registration"."outbox_sequence_seq" TO "registration_app";
GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE "registration"."refresh_tokens" TO "registration_app";
GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE "registration"."service_records" TO "registration_app";
GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE "registration"."sessions" TO "registration_app";
GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE "registration"."sign_ups" TO "registration_app";
GRANT SELECT,USAGE ON SEQUENCE "registration"."sign_ups_queued_seq" TO "registration_app";
GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE "registration"."staff_members" TO "registration_app";
GRANT SELECT,USAGE ON SEQUENCE "registration"."volunteer_numbers" TO "registration_app";
GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE "registration"."volunteers" TO "registration_app";
GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE "rewards"."accounts" TO "rewards_app";
GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE "rewards"."alembic_rewards" TO "rewards_app";
GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE "rewards"."attempts" TO "rewards_app";
GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE "rewards"."backorders" TO "rewards_app";
GRANT SELECT,INSERT ON TABLE "rewards"."code_looks" TO "rewards_app";
GRANT SELECT,INSERT ON TABLE "rewards"."corrections" TO "rewards_app";
GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE "rewards"."credited_records" TO "rewards_app";
GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE "rewards"."dead_letters" TO "rewards_app";
GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE "rewards"."denied_people" TO "rewards_app";
GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE "rewards"."disputes" TO "rewards_app";
GRANT SELECT,INSERT ON TABLE "rewards"."exported_heads" TO "rewards_app";
GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE "rewards"."failed_looks" TO "rewards_app";
GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE "rewards"."feed_cursors" TO "rewards_app";
GRANT SELECT,INSERT ON TABLE "rewards"."handovers" TO "rewards_app";
GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE "rewards"."idempotency_keys" TO "rewards_app";
GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE "rewards"."inbox" TO "rewards_app";
GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE "rewards"."job_runs" TO "rewards_app";
GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE "rewards"."lock_outs" TO "rewards_app";
GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE "rewards"."outbox" TO "rewards_app";
GRANT SELECT,USAGE ON SEQUENCE "rewards"."outbox_sequence_seq" TO "rewards_app";
GRANT SELECT,INSERT ON TABLE "rewards"."pending_resolutions" TO "rewards_app";
GRANT SELECT,INSERT ON TABLE "rewards"."pending_transfers" TO "rewards_app";
GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE "rewards"."pool_requests" TO "rewards_app";
GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE "rewards"."pool_wishes" TO "rewards_app";
GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE "rewards"."products" TO "rewards_app";
GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE "rewards"."redemptions" TO "rewards_app";
GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE "rewards"."rule_runs" TO "rewards_app";
GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE "rewards"."rules" TO "rewards_app";
GRANT SELECT,INSERT ON TABLE "rewards"."seals" TO "rewards_app";
GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE "rewards"."settlement_lines" TO "rewards_app";
GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE "rewards"."settlements" TO "rewards_app";
GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE "rewards"."stocks" TO "rewards_app";
GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE "rewards"."sweeps" TO "rewards_app";
GRANT SELECT,INSERT ON TABLE "rewards"."transfers" TO "rewards_app";
GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE "rewards"."venue_secrets" TO "rewards_app";
GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE "rewards"."venue_statement_lines" TO "rewards_app";
GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE "rewards"."venue_statements" TO "rewards_app";
GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE "rewards"."venues" TO "rewards_app";
GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE "rewards"."vouchers" TO "rewards_app";
GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE "rewards"."webhook_receipts" TO "rewards_app";
GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE "wishes"."alembic_wishes" TO "wishes_app";
GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE "wishes"."attempts" TO "wishes_app";
GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE "wishes"."beneficiaries" TO "wishes_app";
GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE "wishes"."claimer_loads" TO "wishes_app";
GRANT SELECT,INSERT ON TABLE "wishes"."contact_looks" TO "wishes_app";
GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE "wishes"."dead_letters" TO "wishes_app";
GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE "wishes"."denied_people" TO "wishes_app";
GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE "wishes"."feed_cursors" TO "wishes_app";
GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE "wishes"."idempotency_keys" TO "wishes_app";
GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE "wishes"."inbox" TO "wishes_app";
GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE "wishes"."job_runs" TO "wishes_app";
GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE "wishes"."known_organisations" TO "wishes_app";
GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE "wishes"."outbox" TO "wishes_app";
GRANT SELECT,USAGE ON SEQUENCE "wishes"."outbox_sequence_seq" TO "wishes_app";
GRANT SELECT,INSERT ON TABLE "wishes"."wish_moves" TO "wishes_app";
GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE "wishes"."wishes" TO "wishes_app";
GRANT SELECT,USAGE ON SEQUENCE "wishes"."wishes_number_seq" TO "wishes_app";
ALTER DEFAULT PRIVILEGES FOR ROLE "wishtree_owner" IN SCHEMA "notify" GRANT SELECT,USAGE ON SEQUENCES  TO "notify_app";
ALTER DEFAULT PRIVILEGES FOR ROLE "wishtree_owner" IN SCHEMA "notify" GRANT SELECT,INSERT,DELETE,UPDATE ON TABLES  TO "notify_app";
ALTER DEFAULT PRIVILEGES FOR ROLE "wishtree_owner" IN SCHEMA "registration" GRANT SELECT,USAGE ON SEQUENCES  TO "registration_app";
ALTER DEFAULT PRIVILEGES FOR ROLE "wishtree_owner" IN SCHEMA "registration" GRANT SELECT,INSERT,DELETE,UPDATE ON TABLES  TO "registration_app";
ALTER DEFAULT PRIVILEGES FOR ROLE "wishtree_owner" IN SCHEMA "rewards" GRANT SELECT,USAGE ON SEQUENCES  TO "rewards_app";
ALTER DEFAULT PRIVILEGES FOR ROLE "wishtree_owner" IN SCHEMA "rewards" GRANT SELECT,INSERT,DELETE,UPDATE ON TABLES  TO "rewards_app";
ALTER DEFAULT PRIVILEGES FOR ROLE "wishtree_owner" IN SCHEMA "wishes" GRANT SELECT,USAGE ON SEQUENCES  TO "wishes_app";
ALTER DEFAULT PRIVILEGES FOR ROLE "wishtree_owner" IN SCHEMA "wishes" GRANT SELECT,INSERT,DELETE,UPDATE ON TABLES  TO "wishes_app";
