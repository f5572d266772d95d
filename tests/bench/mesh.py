"""Measures a mesh of release builds of p7 on loopback: how soon an outage is an incident on every node, how
soon a dead leader is replaced, how soon results spread, and what it all costs. Called by scripts/bench-mesh."""

import argparse
import asyncio
import collections
import datetime
import http.client
import json
import math
import os
import pathlib
import random
import re
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import threading
import time

from probe import Child, Target, free_port, get, wait_until

TIMEOUT_S = 3
# what issue and README promise: outage to incident is interval ÷ nodes + time-out + 2 s
SLACK_S = 2


class Sites:
    """Services that can be switched: each has a port of its own, so that it can refuse connections."""

    def __init__(self):
        self.loop = asyncio.new_event_loop()
        threading.Thread(target=self.loop.run_forever, daemon=True).start()

    def make(self, count):
        return [Site(self) for _ in range(count)]

    def run(self, coroutine):
        return asyncio.run_coroutine_threadsafe(coroutine, self.loop).result(10)


class Site:
    def __init__(self, sites):
        self.sites = sites
        self.held = bound(0)
        self.port = self.held.getsockname()[1]
        self.server = None
        self.hanging = False
        self.up()

    def up(self):
        self.hanging = False
        if self.server is None:
            self.server = self.sites.run(asyncio.start_server(self.answer, sock=self.held, backlog=64))

    def hang(self):
        self.hanging = True

    def refuse(self):
        self.sites.run(self.close())
        # bound and not listening: nobody else gets the port, and connections are refused
        self.held = bound(self.port)

    async def close(self):
        self.server.close()
        self.server = None

    async def answer(self, reader, writer):
        try:
            await reader.readuntil(b"\r\n\r\n")
            if self.hanging:
                await asyncio.sleep(20)
            else:
                writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\nconnection: close\r\n\r\nok")
                await writer.drain()
        except (OSError, asyncio.IncompleteReadError):
            pass  # what a client breaks off is its own affair
        finally:
            writer.close()


def bound(port):
    held = socket.socket()
    held.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    held.bind(("127.0.0.1", port))
    return held


class Node:
    """A node of the mesh, and what its event stream has told."""

    def __init__(self, bench, number, bootstrap):
        self.name = f"n{number}"
        self.folder = pathlib.Path(tempfile.mkdtemp(dir=bench.folder, prefix=f"{self.name}-"))
        self.bench = bench
        self.http, self.peers = free_port(), free_port()
        first = f'bootstrap = ["127.0.0.1:{bootstrap}"]\n' if bootstrap else ""
        (self.folder / "mesh.key").write_text(bench.key)
        (self.folder / "mesh.key").chmod(0o600)
        (self.folder / "node.toml").write_text(
            f'[node]\nname = "{self.name}"\ndata_dir = "{self.folder}/data"\n\n'
            f'[http]\nlisten = "127.0.0.1:{self.http}"\n\n'
            f'[mesh]\nkey = "file:mesh.key"\nlisten = ["127.0.0.1:{self.peers}"]\nmdns = false\n{first}'
        )
        (self.folder / "mesh.toml").write_text(bench.mesh)
        self.events = collections.defaultdict(list)
        self.child = None

    def start(self):
        self.child = Child([self.bench.p7, "run", "--config", self.folder], self.folder, self.name)

    def ask(self, path):
        return json.loads(get(self.http, path)[1])

    def mesh(self):
        return self.ask("/api/v1/mesh")

    def leader(self):
        """The leader it follows: name, term, and whether the whole mesh does."""
        mesh = self.mesh()
        names = {member["id"]: member["name"] for member in mesh["members"]}
        holding = next((h for h in mesh["holdings"] if h["role"] == "leader"), None)
        return holding and holding["holder"] and (names.get(holding["holder"]), holding["term"], holding["full"])

    def metric(self, name):
        text = get(self.http, "/metrics")[1].decode()
        line = next((line for line in text.splitlines() if line.startswith(name + " ")), None)
        return float(line.rpartition(" ")[2]) if line else 0.0

    def follow(self):
        """Notes each change of a service with the time it arrived, until the node ends."""
        threading.Thread(target=self.listen, daemon=True).start()

    def listen(self):
        connection = http.client.HTTPConnection("127.0.0.1", self.http, timeout=60)
        connection.request("GET", "/api/v1/events")
        kind = None
        try:
            for line in connection.getresponse():
                now = time.time()
                if line.startswith(b"event: "):
                    kind = line[7:].strip()
                elif line.startswith(b"data: ") and kind == b"service":
                    service = json.loads(line[6:])["service"]
                    self.events[service["id"]].append((now, service))
        except (OSError, http.client.HTTPException, ValueError):
            pass  # it ended

    def first(self, service, since, so):
        """When it first told, after `since`, that a service is so."""
        return next((at for at, told in list(self.events[service]) if at >= since and so(told)), None)


class Mesh:
    """Nodes that watch the same services and have become one mesh."""

    def __init__(self, options, count, services, interval_s):
        self.folder, self.p7, self.key = options.folder, options.p7, options.key
        lines = [f'[defaults]\ninterval = "{interval_s}s"\ntimeout = "{TIMEOUT_S}s"\n']
        for name, url in services.items():
            lines.append(f'[services.{name}]\nname = "Service {name}"\n[services.{name}.http]\nurl = "{url}"\n')
        self.mesh = "\n".join(lines)
        self.nodes = []
        for number in range(count):
            self.nodes.append(Node(self, number, self.nodes[0].peers if self.nodes else None))

    def __enter__(self):
        for node in self.nodes:
            node.start()
        self.until_whole()
        for node in self.nodes:
            node.follow()
        return self

    def __exit__(self, *_):
        for node in self.nodes:
            node.child.stop()

    def children(self):
        return [node.child for node in self.nodes]

    def until_whole(self):
        def whole():
            for node in self.nodes:
                members = node.mesh()["members"]
                if sum(member["liveness"] == "alive" for member in members) != len(self.nodes):
                    return False
            leader = self.agreed(self.nodes)
            return leader if leader and leader[2] else None

        return wait_until("the nodes are one mesh", 90, whole, *self.children())

    def agreed(self, nodes):
        """The leader they all follow."""
        leaders = {node.leader() for node in nodes}
        return leaders.pop() if len(leaders) == 1 else None

    def until_probed(self, services, seconds):
        def probed():
            listed = self.nodes[-1].ask("/api/v1/services?limit=1000")["items"]
            return sum(service["level"] == "healthy" for service in listed) == len(services)

        wait_until("every service is known to be well", seconds, probed, *self.children())


def switchable(sites):
    return {f"s{n:03}": f"http://127.0.0.1:{site.port}/" for n, site in enumerate(sites)}


def is_out(told):
    return told["incident"] is not None and told["level"] in ("incident", "down")


def is_well(told):
    return told["incident"] is None and told["level"] == "healthy"


def explain(mesh, name, at, site):
    """What every node told of a service since it was switched: for whoever looks why it was late."""
    how = "hangs" if site.hanging else "refuses" if site.server is None else "is up"
    print(f"· late: {name} {how} since {at:.1f}", file=sys.stderr)
    for node in mesh.nodes:
        told = [f"{when - at:.1f} {service['level']}" for when, service in node.events[name] if when >= at - 12]
        print(f"    {node.name}: {', '.join(told)}", file=sys.stderr)
    for result in mesh.nodes[0].ask(f"/api/v1/services/{name}/results?limit=40")["items"]:
        print(f"    {json.dumps(result)}", file=sys.stderr)


def outages(options, count, interval_s, trials, hangs):
    """One trial: a service is switched at a random moment and the clock stopped when all nodes tell so."""
    sites = options.sites.make(trials)
    services = switchable(sites)
    seconds = {"outage": [], "recovery": []}
    limit = interval_s / count + TIMEOUT_S + SLACK_S
    with Mesh(options, count, services, interval_s) as mesh:
        mesh.until_probed(services, interval_s + 30)

        def switch(act, so, results):
            """Switches every service at its moment, then waits for all."""
            begun = time.time()
            moments = sorted((random.uniform(0, interval_s), name, site) for name, site in zip(services, sites))
            switched = {}
            for moment, name, site in moments:
                time.sleep(max(begun + moment - time.time(), 0))
                switched[name] = time.time()
                act(site)

            def all_told():
                return all(
                    node.first(name, at, so) for name, at in switched.items() for node in mesh.nodes
                )

            wait_until("all nodes tell so", 3 * interval_s + 30, all_told, *mesh.children())
            for (name, at), site in zip(switched.items(), (site for _, _, site in moments)):
                results.append(max(node.first(name, at, so) for node in mesh.nodes) - at)
                if results[-1] > limit:
                    explain(mesh, name, at, site)

        def fail(site):
            hang = hangs and sites.index(site) % 2
            (site.hang if hang else site.refuse)()

        switch(fail, is_out, seconds["outage"])
        # a site that hung has answered nobody: a probe that runs into its end would see both
        switch(Site.up, is_well, seconds["recovery"])
    return seconds, limit


def bench_minute(options):
    seconds, limit = outages(options, 5, 60, options.trials, hangs=True)
    for what, took in seconds.items():
        within = sum(one <= limit for one in took)
        yield (f"5 nodes, 60 s: {what} on all, worst of {len(took)} (s)", max(took), limit,
               f"{within} within; median {statistics.median(took):.1f}")


def bench_seconds(options):
    seconds, _ = outages(options, 3, 5, options.trials, hangs=False)
    for what, took in seconds.items():
        yield (f"3 nodes, 5 s: {what} on all, median of {len(took)} (s)", statistics.median(took), 4.0,
               f"worst {max(took):.1f}")


def bench_kill(options):
    sites = options.sites.make(10)
    services = switchable(sites)
    took, changes = [], 0
    with Mesh(options, 5, services, 10) as mesh:
        mesh.until_probed(services, 60)
        leader = mesh.until_whole()
        for _ in range(options.kills):
            victim = next(node for node in mesh.nodes if node.name == leader[0])
            rest = [node for node in mesh.nodes if node is not victim]
            victim.child.process.kill()
            killed = time.time()
            victim.child.process.wait()

            def another():
                after = mesh.agreed(rest)
                return after if after and after[0] != victim.name else None

            after = until_fine("another leads", 30, another)
            took.append(time.time() - killed)
            victim.start()
            leader = mesh.until_whole()
            # longer than a node needs to settle and to claim
            end = time.time() + 12
            while time.time() < end:
                now = mesh.agreed(mesh.nodes)
                if now and now != after:
                    changes += 1
                    leader = after = now
                time.sleep(0.1)
    yield (f"5 nodes: another leads after kill -9, worst of {len(took)} (s)", max(took), 3.0,
           f"median {statistics.median(took):.2f}")
    yield ("changes of leader by its return", changes, 0, "")


def until_fine(what, seconds, ready):
    """Like wait_until, and looks more often."""
    end = time.time() + seconds
    while time.time() < end:
        if value := ready():
            return value
        time.sleep(0.01)
    sys.exit(f"not within {seconds} s: {what}")


def unix(text):
    return datetime.datetime.fromisoformat(text.replace("Z", "+00:00")).timestamp()


def bench_spread(options):
    """How long after a probe's start (a few ms before its end, here) every node's page knows of it."""
    sites = options.sites.make(100)
    services = switchable(sites)
    with Mesh(options, 5, services, 60) as mesh:
        mesh.until_probed(services, 90)
        begun = time.time()
        time.sleep(30)
        failing = {}
        for name, site in zip(services, sites):
            failing[name] = time.time()
            site.refuse()
            time.sleep(random.uniform(0.2, 0.6))
        time.sleep(20)
        # what began in the last seconds may still be on its way
        ended = time.time() - 5
        calm, failures, lost = [], [], 0
        for name in services:
            streams = [[(at, unix(told["last_probe_at"])) for at, told in node.events[name] if told["last_probe_at"]]
                       for node in mesh.nodes]
            probes = sorted({probe for stream in streams for _, probe in stream if begun < probe < ended})
            for probe in probes:
                heard = [next((at for at, last in stream if last >= probe), None) for stream in streams]
                if None in heard:
                    lost += 1
                    continue
                (failures if probe >= failing[name] else calm).append(max(heard) - probe)
        gossip = {node.name: delay_p99(node) for node in mesh.nodes}
    yield ("5 nodes, 100 services: a failure on every page, p99 (ms)", percentile(failures, 99) * 1000, 300,
           f"{len(failures)} failures, median {statistics.median(failures) * 1000:.0f}")
    yield ("5 nodes, 100 services: any other result, p99 (ms)", percentile(calm, 99) * 1000, 1500,
           f"{len(calm)} results, median {statistics.median(calm) * 1000:.0f}, unseen {lost}")
    yield ("gossip itself, worst node's p99 bucket (ms)", max(gossip.values()) * 1000, None, "from stated to heard")


def percentile(values, q):
    values = sorted(values)
    return values[min(len(values) * q // 100, len(values) - 1)]


def delay_p99(node):
    """The upper end of the bucket that holds the 99th percentile."""
    text = get(node.http, "/metrics")[1].decode()
    rows = re.findall(r'^p7_gossip_delay_seconds_bucket\{le="([^"]+)"\} (\S+)', text, re.M)
    total = max((float(count) for _, count in rows), default=0)
    fits = (float(le) for le, count in rows if float(count) >= 0.99 * total)
    return min((le for le in fits if le != math.inf), default=0)


def costs(options, count, services, interval_s, seconds):
    """What each node spends in the steady state."""
    target = Target(options.target, pathlib.Path(tempfile.mkdtemp(dir=options.folder)))
    urls = {f"s{n:04}": f"http://127.0.0.1:{target.port}/s/{n}" for n in range(services)}
    try:
        with Mesh(options, count, urls, interval_s) as mesh:
            mesh.until_probed(urls, interval_s + 60)
            time.sleep(10)
            out = 'p7_gossip_bytes_total{direction="out"}'
            before = [(node.metric(out), node.child.cpu_ms()) for node in mesh.nodes]
            begun = time.time()
            time.sleep(seconds)
            took = time.time() - begun
            spent = [(node.metric(out) - sent, node.child.cpu_ms() - cpu)
                     for node, (sent, cpu) in zip(mesh.nodes, before)]
            return {
                "sent": [sent / took for sent, _ in spent],
                "cpu": [cpu / took / 10 for _, cpu in spent],
                "rss": [child.memory_mb("VmRSS") for child in mesh.children()],
                "peak": [child.memory_mb("VmHWM") for child in mesh.children()],
            }
    finally:
        target.child.stop()


def bench_bytes(options):
    cost = costs(options, 10, 100, 60, options.seconds)
    yield ("10 nodes, 100 services, 60 s: sent per node (kB/s)", statistics.mean(cost["sent"]) / 1000, 4.0,
           f"most {max(cost['sent']) / 1000:.2f}")
    yield ("… CPU of a node (% of one core)", statistics.mean(cost["cpu"]), None, f"most {max(cost['cpu']):.2f}")
    yield ("… RSS of a node (MB)", statistics.mean(cost["rss"]), None, f"most {max(cost['rss']):.1f}")


def bench_large(options):
    cost = costs(options, 3, 1000, 60, options.seconds)
    yield ("3 nodes, 1,000 services, 60 s: RSS, the largest (MB)", max(cost["rss"]), 60, f"peak {max(cost['peak']):.1f}")
    yield ("… CPU, the busiest (% of one core)", max(cost["cpu"]), 2.0, "")
    yield ("… sent per node (kB/s)", statistics.mean(cost["sent"]) / 1000, None, "")


PARTS = {
    "minute": bench_minute,
    "seconds": bench_seconds,
    "kill": bench_kill,
    "spread": bench_spread,
    "bytes": bench_bytes,
    "large": bench_large,
}


def table(rows):
    shown = [("", "measured", "goal", "", "")]
    for name, measured, goal, more in rows:
        verdict = "" if goal is None else ("ok" if measured <= goal else "MISSED")
        shown.append((name, f"{measured:.4g}", "" if goal is None else f"{goal:g}", verdict, more))
    widths = [max(len(row[i]) for row in shown) for i in range(5)]
    for row in shown:
        print("  ".join(cell.ljust(width) for cell, width in zip(row, widths)).rstrip())


def main():
    parser = argparse.ArgumentParser(prog="scripts/bench-mesh", description=__doc__)
    parser.add_argument("--trials", type=int, default=20, help="outages of each kind; each takes a service of its own")
    parser.add_argument("--kills", type=int, default=3, help="how often the leader is killed")
    parser.add_argument("--seconds", type=int, default=60, help="how long traffic and cost are watched")
    parser.add_argument("--seed", type=int, default=random.randrange(10**6), help="of the moments of the outages")
    parser.add_argument("--only", action="append", choices=list(PARTS), help="these parts alone")
    parser.add_argument("--strict", action="store_true", help="exit 1 when a goal is missed")
    parser.add_argument("--p7", required=True, help=argparse.SUPPRESS)
    parser.add_argument("--target", required=True, help=argparse.SUPPRESS)
    options = parser.parse_args()
    options.p7, options.target = os.path.abspath(options.p7), os.path.abspath(options.target)
    random.seed(options.seed)

    rows = []
    with tempfile.TemporaryDirectory(prefix="p7-bench-") as folder:
        options.folder = pathlib.Path(folder)
        options.key = key(options.p7)
        options.sites = Sites()
        for name, part in PARTS.items():
            if options.only and name not in options.only:
                continue
            begun, busy = time.time(), os.getloadavg()[0]
            rows += part(options)
            print(f"· {name}: {time.time() - begun:.0f} s (load before {busy:.1f})", file=sys.stderr)
    print(f"\na mesh on loopback, {os.cpu_count()} cores, seed {options.seed}")
    table(rows)
    faults = [name for name, measured, goal, _ in rows if goal is not None and measured > goal]
    print("goals missed: " + "; ".join(faults) if faults else "all goals reached")
    sys.exit(1 if faults and options.strict else 0)


def key(p7):
    return subprocess.run([p7, "mesh", "key", "--print"], check=True, capture_output=True, text=True).stdout


if __name__ == "__main__":
    # Ctrl-C and a supervisor's SIGTERM alike end the children
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    main()
