#!/usr/bin/env python3
"""Studies in PostgreSQL shared with Optuna: the same columns, ours loaded and continued there, its own read back here.

Runs build/tests/peer/store against a private server. Exit code 77 where Optuna, psycopg2 or a server is absent."""
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

import optuna_store as shared

try:
    import optuna
    import psycopg2
except ImportError as e:
    print(f"skipped: no Optuna with psycopg2 ({e})")
    sys.exit(77)

SERVER = Path(__file__).resolve().parents[1] / "unit" / "postgres_server.sh"
COLUMNS = """SELECT table_name, column_name, ordinal_position, data_type, udt_name, is_nullable, character_maximum_length,
    column_default FROM information_schema.columns WHERE table_schema = 'public' AND table_name NOT LIKE 'aglm%' ORDER BY 1, 3"""
CONSTRAINTS = """SELECT conrelid::regclass::text, conname, pg_get_constraintdef(oid) FROM pg_constraint
    WHERE connamespace = 'public'::regnamespace AND conrelid::regclass::text NOT LIKE 'aglm%' ORDER BY 1, 2"""
INDEXES = """SELECT tablename, indexname, indexdef FROM pg_indexes WHERE schemaname = 'public' AND tablename NOT LIKE 'aglm%'
    AND indexname NOT LIKE 'aglm%' ORDER BY 1, 2"""
ENUMS = "SELECT typname, enumlabel FROM pg_enum JOIN pg_type t ON t.oid = enumtypid ORDER BY typname, enumsortorder"


def server(*args):
    p = subprocess.run([SERVER, *map(str, args)], stdout=subprocess.PIPE, text=True)
    if p.returncode == 77:
        print("skipped: no PostgreSQL server is installed")
        sys.exit(77)
    assert p.returncode == 0, args
    return p.stdout.strip()


def catalogue(folder):
    with psycopg2.connect(host=folder, user="aglm", dbname="postgres") as db, db.cursor() as c:
        found = []
        for query in (COLUMNS, CONSTRAINTS, INDEXES, ENUMS):
            c.execute(query)
            found.append(c.fetchall())
        return found


def check_schema(folder, url):
    """Every column, constraint, index and type of Optuna's."""
    optuna.create_study(storage=url)
    theirs = catalogue(folder)
    server("clear", folder)
    shared.ours("write", url)
    for mine, want in zip(catalogue(folder), theirs):
        assert mine == want, [row for row in mine + want if (row in mine) != (row in want)]


def main():
    if not shared.STORE.exists():
        print(f"skipped: {shared.STORE} is not built")
        return 77
    folder = server("start", os.getpid(), "fsync=off")
    url = f"postgresql+psycopg2://aglm@/postgres?host={folder}"
    checks = (lambda: check_schema(folder, url), lambda: shared.check_ours_loaded(url),
              lambda: shared.check_theirs_read(url), lambda: shared.check_both_write(url))
    try:
        for name, check in zip(("schema", "ours_loaded", "theirs_read", "both_write"), checks):
            server("clear", folder)
            start = time.monotonic()
            check()
            print(f"check_{name}: ok ({time.monotonic() - start:.1f} s)", flush=True)
    finally:
        server("stop", folder)
        shutil.rmtree(folder, ignore_errors=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
