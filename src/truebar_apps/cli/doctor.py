"""The doctor: what is wrong with this home, and what to do about it."""

from __future__ import annotations

import importlib.util
from dataclasses import dataclass
from typing import Annotated

import typer

from truebar.errors import ConfigurationError
from truebar_apps.cli.checkout import find_checkout, open_instance, prepare_dagster_home
from truebar_apps.cli.leftovers import is_own, old_parts, old_workbenches, remove_leftovers
from truebar_apps.cli.options import JsonOption, current_home
from truebar_apps.cli.output import EXIT_STOPPED, console, print_json, print_table
from truebar_io import tracking
from truebar_io.configuration import load_configuration
from truebar_io.home import Home
from truebar_io.ingest import ignored_paths
from truebar_io.warehouse import Warehouse


@dataclass(frozen=True)
class Complaint:
    """One thing that is wrong, where, and the remedy."""

    severity: str
    where: str
    problem: str
    advice: str


def _warehouse_complaints(store: Warehouse) -> list[Complaint]:
    """Return what is wrong with the published files."""
    return [
        Complaint(finding.severity, str(finding.file), finding.problem, finding.advice)
        for finding in store.diagnose()
    ]


def _configuration_complaints() -> list[Complaint]:
    """Return what is wrong with the configuration files."""
    try:
        load_configuration(find_checkout())
    except ConfigurationError as error:
        return [
            Complaint("error", "configs/", str(error), "fix the file that is named, then run doctor again")
        ]
    return []


def _landing_complaints(home: Home) -> list[Complaint]:
    """Return what lies in the landing folder and is never read."""
    return [
        Complaint("warning", str(ignored.path), "it is not read", ignored.reason)
        for ignored in ignored_paths(home)
    ]


def _leftover_complaints(home: Home) -> list[Complaint]:
    """Return what killed writers left outside the warehouse."""
    fix = "run `truebar doctor --fix`, which removes it"
    theirs = "truebar did not make it: finish or remove what another program was copying"
    parts = [
        Complaint("warning", str(path), "half-written for over an hour", fix if is_own(path) else theirs)
        for path in old_parts(home)
    ]
    builds = [
        Complaint("warning", str(path), "left by a build that failed over a day ago", fix)
        for path in old_workbenches(home)
    ]
    return parts + builds


def _dead_runs(home: Home, *, close: bool) -> list[Complaint]:
    """Return the runs that look alive though their process is gone; close them if asked."""
    checkout = find_checkout()
    if checkout is None or importlib.util.find_spec("dagster") is None or not home.dagster.exists():
        return []
    prepare_dagster_home(checkout, home)

    from truebar_apps.cli.runs import close_dead_runs, dead_runs  # noqa: PLC0415

    instance = open_instance(home)
    found = close_dead_runs(instance) if close else dead_runs(instance)
    if close:
        tracking.close_dead_runs(home, instance)
    advice = "closed" if close else "run `truebar doctor --fix`, or the next `truebar` run closes it"
    return [
        Complaint("warning", run.run_id, f"run of {run.job_name} has no process", advice) for run in found
    ]


def doctor(
    fix: Annotated[
        bool, typer.Option("--fix", help="Remove leftovers of killed writers, close dead runs.")
    ] = False,
    json: JsonOption = False,
) -> None:
    """Look for leftovers, stale files, schema drift, dead runs and bad settings; say what to do."""
    home = current_home()
    store = Warehouse(home)
    swept = [str(path) for path in (*store.sweep(), *remove_leftovers(home))] if fix else []
    complaints = [
        *_configuration_complaints(),
        *_warehouse_complaints(store),
        *_landing_complaints(home),
        *_leftover_complaints(home),
        *_dead_runs(home, close=fix),
    ]
    if json:
        print_json(
            {"home": str(home.path), "swept": swept, "complaints": [vars(item) for item in complaints]}
        )
    elif complaints:
        rows = [[item.severity, item.where, item.problem, item.advice] for item in complaints]
        print_table(str(home.path), ["severity", "where", "problem", "what to do"], rows)
    else:
        console().print(f"{home.path}: nothing wrong ({len(store.partitions())} partitions)", soft_wrap=True)
    if any(item.severity == "error" for item in complaints):
        raise typer.Exit(EXIT_STOPPED)
