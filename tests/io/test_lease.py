"""Leases: one run at a time on a partition, freed by the kernel when the process dies."""

import os
import signal

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
