"""Dagster's own home: made once, whoever comes first."""

from __future__ import annotations

import multiprocessing
from pathlib import Path

import dagster as dg

from truebar_apps.cli.checkout import find_checkout, open_instance, prepare_dagster_home
from truebar_io.home import Home


def open_at(home: Home, start: multiprocessing.Event) -> None:
    start.wait()
    open_instance(home).dispose()


def test_processes_that_open_a_new_home_at_once_all_find_it_whole(home: Path):
    checkout = find_checkout()
    assert checkout is not None
    prepare_dagster_home(checkout, Home(home))
    forked = multiprocessing.get_context("fork")
    start = forked.Event()
    openers = [forked.Process(target=open_at, args=(Home(home), start)) for _ in range(4)]
    for opener in openers:
        opener.start()
    start.set()
    for opener in openers:
        opener.join()
    assert [opener.exitcode for opener in openers] == [0] * 4
    with dg.DagsterInstance.from_config(str(home / "dagster")) as instance:
        assert instance.get_runs() == []
