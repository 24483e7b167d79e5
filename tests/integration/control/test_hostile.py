"""Clients that mean no good, or are slow: the agent stays as it is, in memory and descriptors too."""
import os
import socket
import struct
import threading
import time

import msgpack
import pytest

from lib import ctl
from lib.agent import SLOW
from lib.control import Control
from lib.metrics import read_metrics
from lib.waiting import wait_until

REQUEST = {"version": 1, "id": 1, "command": "version", "args": {}}
CLIENTS_MAX = 128  # of daemon/control/control_server.h
FRAME_S, IDLE_S = 5, 30  # of daemon/control/control_client.h


def frame(content):
    return struct.pack(">I", len(content)) + content


def send(agent, data, timeout=10 * SLOW):
    """Everything that comes back until the agent closes."""
    client = Control(agent.socket, timeout)
    client.socket.sendall(data)
    client.socket.shutdown(socket.SHUT_WR)
    received = b""
    try:
        while piece := client.socket.recv(65536):
            received += piece
    except ConnectionResetError:  # it was closed before all was read; what it said came first
        pass
    return received


def answers(data):
    found = []
    while data:
        length, = struct.unpack(">I", data[:4])
        found.append(msgpack.unpackb(data[4:4 + length]))
        data = data[4 + length:]
    return found


def descriptors(agent):
    return len(os.listdir(f"/proc/{agent.process.pid}/fd"))


def resident_kib(agent):
    with open(f"/proc/{agent.process.pid}/status", encoding="ascii") as status:
        return next(int(line.split()[1]) for line in status if line.startswith("VmRSS"))


BOMBS = {
    "length of 4 GiB": b"\xff\xff\xff\xff",
    "length over the limit": struct.pack(">I", 64 * 1024 + 1) + b"x",
    "length of 0": b"\0\0\0\0",
    "garbage": bytes(range(256)),
    "http": b"GET / HTTP/1.1\r\nHost: x\r\n\r\n",
    "no map": frame(b"\x93\1\2\3"),
    "map of 4 G pairs": frame(b"\xdf\xff\xff\xff\xff"),
    "array of 4 G values": frame(b"\x81\xa1k\xdd\xff\xff\xff\xff"),
    "text of 4 GiB": frame(b"\x81\xa1k\xdb\xff\xff\xff\xff"),
    "depth bomb": frame(b"\x81\xa1k" + b"\x91" * 60000 + b"\x90"),
    "many values": frame(msgpack.packb({"k": list(range(20000))})),
    "float": frame(msgpack.packb({"k": 1.5})),
    "two maps": frame(b"\x80\x80"),
    "no version": frame(msgpack.packb({"id": 1, "command": "status"})),
}


@pytest.mark.parametrize("bomb", BOMBS.values(), ids=BOMBS)
def test_what_is_no_request_is_answered_so_and_ends_the_connection(satellite, bomb):
    answer, = answers(send(satellite, bomb))
    assert answer["error"]["code"] == "malformed" and answer["error"]["message"], answer
    assert "control-protocol.md" in answer["error"]["hint"]
    assert Control(satellite.socket).call("version")["result"]


def test_another_version_is_answered_in_words_and_the_connection_stays(satellite):
    client = Control(satellite.socket)
    client.send({"version": 2, "id": 7, "command": "status", "surprise": [1]})
    answer = client.receive()
    assert (answer["version"], answer["id"], answer["error"]["code"]) == (1, 7, "version")
    assert answer["error"]["message"].startswith("the client speaks version 2 of the control protocol, this agent (")
    assert client.call("version")["result"]


def test_an_agent_of_another_version_is_told_to_the_user(tmp_path):
    """agentctl against an agent of the future."""
    path = tmp_path / "s"
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(path))
        listener.listen()

        def serve():
            client, _ = listener.accept()
            client.recv(65536)
            client.sendall(frame(msgpack.packb({"version": 9, "id": 1, "error": {"message": "too old"}})))
            client.close()

        thread = threading.Thread(target=serve)
        thread.start()
        done = ctl.run("status", "--socket", str(path))
        thread.join()
    assert done.returncode == 2
    assert "the agent speaks version 9 of the control protocol, this proxysql-agentctl" in done.stderr
    assert "too old" in done.stderr


def test_unknown_commands_and_arguments(satellite):
    client = Control(satellite.socket)
    error = client.call("restart")["error"]
    assert error["code"] == "unknown_command" and 'has no command "restart"' in error["message"]
    assert client.call("stats")["error"]["hint"] == "did you mean status?"
    error = client.call("drain", delay=9999)["error"]
    assert (error["code"], error["message"]) == ("bad_argument", "delay 9999: allowed is 0 to 3600 seconds")
    assert client.call("status", verbose=True)["error"]["code"] == "bad_argument"
    assert client.call("version")["result"]


def test_a_frame_cut_at_every_byte(satellite):
    before = descriptors(satellite)
    whole = frame(msgpack.packb(REQUEST))
    for cut in range(len(whole)):
        assert send(satellite, whole[:cut]) == b""
    assert answers(send(satellite, whole))[0]["result"]
    wait_until(lambda: descriptors(satellite) <= before, 5 * SLOW, "the descriptors are given back")


def test_a_frame_that_comes_byte_by_byte(satellite):
    client = Control(satellite.socket)
    for byte in frame(msgpack.packb(REQUEST)):
        client.socket.sendall(bytes([byte]))
    assert client.receive()["result"]


def test_requests_in_one_piece_are_answered_in_order(satellite):
    data = b"".join(frame(msgpack.packb({**REQUEST, "id": number})) for number in range(50))
    assert [answer["id"] for answer in answers(send(satellite, data))] == list(range(50))


def test_a_client_that_half_closes_gets_its_answers(satellite):
    """All of them, of jobs as well, and then the end."""
    client = Control(satellite.socket, timeout=10 * SLOW)
    for number, command in enumerate(("version", "resync", "version")):
        client.send({"version": 1, "id": number, "command": command})
    client.socket.shutdown(socket.SHUT_WR)
    got = []
    while len(got) < 3:
        answer = client.receive()
        got += [] if "progress" in answer else [(answer["id"], "result" in answer)]
    assert got == [(0, True), (1, True), (2, True)]
    with pytest.raises(ConnectionError):
        client.receive()


def test_half_a_frame_and_a_half_close_end_the_connection(satellite):
    client = Control(satellite.socket, timeout=10 * SLOW)
    client.socket.sendall(frame(msgpack.packb(REQUEST))[:-1])
    client.socket.shutdown(socket.SHUT_WR)
    began = time.monotonic()
    with pytest.raises(ConnectionError):
        client.receive()
    assert time.monotonic() - began < 3 * SLOW


def test_a_half_frame_is_ended(satellite):
    client = Control(satellite.socket, timeout=(FRAME_S + 5) * SLOW)
    began = time.monotonic()
    client.socket.sendall(b"\0\0\0\x10\x81")
    assert client.socket.recv(1) == b""
    assert time.monotonic() - began >= FRAME_S - 0.1
    wait_until(lambda: read_metrics(satellite).value("control_clients_timed_out_total") == 1, what="it is counted")


def test_a_client_that_hangs_up_in_mid_job_leaves_the_job_alone(satellite):
    before = descriptors(satellite)
    for _ in range(20):
        client = Control(satellite.socket)
        client.send({"version": 1, "id": 1, "command": "resync", "args": {}})
        client.socket.close()
    wait_until(lambda: descriptors(satellite) <= before, 5 * SLOW, "the descriptors are given back")
    assert ctl.run("resync", agent=satellite).returncode == 0


def test_a_client_that_reads_nothing_holds_nobody_up(satellite):
    """Its answers wait up to a limit, then its requests wait in the kernel."""
    deaf = Control(satellite.socket, timeout=0.5)
    request = frame(msgpack.packb({**REQUEST, "command": "status"}))
    with pytest.raises(TimeoutError):
        for _ in range(100000):
            deaf.socket.sendall(request)
    assert Control(satellite.socket).call("version")["result"]
    deaf.socket.close()


def test_the_idle_make_room_and_the_hung_are_bounded(satellite):
    """500 clients and 20 that hang in mid-frame: each of the 500 is answered, nothing is left afterwards."""
    wait_until(lambda: Control(satellite.socket).call("version")["result"], what="warm")
    before = descriptors(satellite)
    hung = [Control(satellite.socket) for _ in range(20)]
    for client in hung:
        client.socket.sendall(b"\0\0\1\0\x81")
    idle = [Control(satellite.socket) for _ in range(CLIENTS_MAX)]
    clients = 500
    failures = []

    def ask():
        for _ in range(3):  # on a busy machine a request may come after a second: then another one has the place
            try:
                assert Control(satellite.socket, timeout=30 * SLOW).call("version")["result"]["protocol"] == 1
                return
            except (AssertionError, OSError) as error:
                last = error
        failures.append(last)

    threads = [threading.Thread(target=ask) for _ in range(clients)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not failures, failures[:3]
    assert descriptors(satellite) <= before + CLIENTS_MAX + 8
    metrics = read_metrics(satellite)
    assert metrics.value("control_clients_crowded_out_total") > 0
    assert metrics.value("control_requests_total") >= clients
    for client in hung + idle:
        client.socket.close()
    wait_until(lambda: descriptors(satellite) <= before, 5 * SLOW, "the descriptors are given back")


@pytest.mark.skipif(SLOW > 1, reason="a sanitizer's memory says nothing")
def test_memory_and_descriptors_stay_flat(satellite):
    def storm(rounds):
        for _ in range(rounds):
            for bomb in BOMBS.values():
                send(satellite, bomb)
            send(satellite, frame(msgpack.packb({**REQUEST, "command": "status"})))

    storm(40)
    before = (resident_kib(satellite), descriptors(satellite))
    storm(120)
    after = (resident_kib(satellite), descriptors(satellite))
    assert after[0] - before[0] < 2048 and after[1] <= before[1] + 1, (before, after)


def test_probes_do_not_wait_for_the_control_socket(satellite):
    stop = threading.Event()

    def storm():
        while not stop.is_set():
            for bomb in BOMBS.values():
                send(satellite, bomb)

    threads = [threading.Thread(target=storm) for _ in range(4)]
    for thread in threads:
        thread.start()
    took = []
    for _ in range(200):
        began = time.monotonic()
        assert satellite.ready().status == 200
        took.append(time.monotonic() - began)
    stop.set()
    for thread in threads:
        thread.join()
    assert sorted(took)[-5] < 1 * SLOW  # the machine may have had other work once
