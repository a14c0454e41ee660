"""Leases: one run at a time on a partition, freed by the kernel when the process dies."""

import fcntl
import os
import signal
import threading

import pytest

from truebar.errors import PartitionBusyError
from truebar.partitions import Partition
from truebar_io.home import Home
from truebar_io.lease import Lease, is_leased

PARTITION = Partition("BTC-USD", "1h")


def test_lease_second_run_is_refused_and_told_who_holds_it(tmp_path):
    home = Home(tmp_path)
    held = Lease.acquire(home, PARTITION, "first")
    with pytest.raises(PartitionBusyError, match=rf"BTC-USD 1h .* run first \(process {os.getpid()}\)"):
        Lease.acquire(home, PARTITION, "second")
    held.release()
    Lease.acquire(home, PARTITION, "second").release()


def test_lease_other_partition_is_free(tmp_path):
    home = Home(tmp_path)
    held = Lease.acquire(home, PARTITION, "first")
    other = Lease.acquire(home, Partition("BTC-USD", "4h"), "second")
    assert is_leased(home, PARTITION)
    held.release()
    other.release()
    assert not is_leased(home, PARTITION)


def test_lease_of_a_killed_process_is_free_again(tmp_path):
    home = Home(tmp_path)
    ready, announce = os.pipe()
    child = os.fork()
    if child == 0:
        Lease.acquire(home, PARTITION, "child")
        os.write(announce, b"x")
        signal.pause()
    os.read(ready, 1)
    assert is_leased(home, PARTITION)
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    assert not is_leased(home, PARTITION)
    Lease.acquire(home, PARTITION, "next").release()


def test_lease_is_taken_though_somebody_asks_at_that_moment_whether_it_is(tmp_path):
    home = Home(tmp_path)
    Lease.acquire(home, PARTITION, "first").release()
    asking = os.open(home.leases / "BTC-USD_1h.lock", os.O_RDONLY)
    fcntl.flock(asking, fcntl.LOCK_SH)
    end = threading.Timer(0.05, os.close, [asking])
    end.start()
    Lease.acquire(home, PARTITION, "second").release()
    end.join()


def test_lease_given_back_names_nobody_any_more(tmp_path):
    home = Home(tmp_path)
    Lease.acquire(home, PARTITION, "first").release()
    asking = os.open(home.leases / "BTC-USD_1h.lock", os.O_RDONLY)
    fcntl.flock(asking, fcntl.LOCK_SH)
    with pytest.raises(PartitionBusyError, match="by another run"):
        Lease.acquire(home, PARTITION, "second")
    os.close(asking)
