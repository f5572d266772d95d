"""Measures a release build of p7 against a target server of ours, and blackbox_exporter with
Prometheus on the same work. Everything on loopback; called by scripts/bench-probe."""

import argparse
import gzip
import http.client
import json
import os
import pathlib
import shutil
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import time

INTERVAL_S = 10
# of issue and README: what a two-core machine must reach
GOALS = {
    "first full pass (s)": (1.5, 1.5),
    "gap p95 (s)": (10.1, 10.1),
    "CPU per probe (ms)": (0.25, 0.08),
    "RSS at its peak (MB)": (40, 40),
    "page, gzip (kB)": (200, 200),
    "page, render (ms)": (50, 50),
}
LATENCY_GOAL_MS = 1.0
DELAYS_MS = [2, 5, 10, 20, 50, 100]


class Child:
    """A process that ends with us, and what it costs."""

    def __init__(self, command, folder, name):
        self.log = open(folder / f"{name}.log", "w+")
        self.started = time.time()
        self.process = subprocess.Popen(command, stdout=self.log, stderr=self.log, cwd=folder)
        self.name = name

    def cpu_ms(self):
        """From the scheduler's own account of each thread, in nanoseconds."""
        spent = 0
        for task in pathlib.Path(f"/proc/{self.process.pid}/task").iterdir():
            try:
                spent += int((task / "schedstat").read_text().split()[0])
            except FileNotFoundError:
                pass  # the thread has just ended
        return spent / 1e6

    def memory_mb(self, key):
        status = pathlib.Path(f"/proc/{self.process.pid}/status").read_text()
        line = next(line for line in status.splitlines() if line.startswith(key + ":"))
        return int(line.split()[1]) / 1024

    def must_live(self):
        if self.process.poll() is not None:
            self.log.seek(0)
            sys.exit(f"{self.name} ended by itself:\n{self.log.read()[-3000:]}")

    def stop(self):
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            try:
                self.process.wait(10)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
        self.log.close()


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def get(port, path, headers=None, timeout=20):
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=timeout)
    try:
        connection.request("GET", path, headers=headers or {})
        answer = connection.getresponse()
        return answer.status, answer.read()
    finally:
        connection.close()


def wait_until(what, seconds, ready, *children):
    end = time.time() + seconds
    while time.time() < end:
        for child in children:
            child.must_live()
        try:
            if value := ready():
                return value
        except OSError:
            pass
        time.sleep(0.1)
    sys.exit(f"not within {seconds} s: {what}")


class Target:
    """The server that is probed."""

    def __init__(self, binary, folder):
        self.child = Child([binary], folder, "target")
        log = folder / "target.log"
        address = wait_until("the target listens", 10, lambda: log.read_text().strip(), self.child)
        self.port = int(address.rpartition(":")[2])

    def reset(self, expect):
        get(self.port, f"/reset?expect={expect}")

    def stats(self):
        return json.loads(get(self.port, "/stats")[1])

    def first_pass(self, children):
        return wait_until(
            "every service was probed", 60, lambda: self.stats()["full_pass_unix_ms"], *children
        ) / 1000


def write_config(folder, paths, target, interval_s, reuse):
    port = free_port()
    (folder / "node.toml").write_text(
        f'[node]\nname = "bench"\ndata_dir = "{folder}/data"\n\n[http]\nlisten = "127.0.0.1:{port}"\n'
    )
    lines = [f'[defaults]\ninterval = "{interval_s}s"\n']
    for n, path in enumerate(paths):
        lines.append(f'[services.s{n:04}]\nname = "Service {n}"\nenvironment = "bench {n % 10}"\n')
        lines.append(f'[services.s{n:04}.http]\nurl = "http://127.0.0.1:{target.port}{path}"\n')
        if reuse:
            lines.append("reuse_connections = true\n")
    (folder / "mesh.toml").write_text("\n".join(lines))
    return port


def machine_busy_s():
    """What all cores together have worked since the machine started."""
    fields = pathlib.Path("/proc/stat").read_text().splitlines()[0].split()[1:]
    idle = int(fields[3]) + int(fields[4])
    return (sum(map(int, fields[:8])) - idle) / os.sysconf("SC_CLK_TCK")


def measured(target, children, paths, seconds):
    """Steady state: from the first full pass on, for some seconds."""
    first_pass = target.first_pass(children) - children[0].started
    target.reset(len(paths))
    watched = [*children, target.child]
    others = machine_busy_s() - sum(child.cpu_ms() for child in watched) / 1000
    cpu = sum(child.cpu_ms() for child in children)
    time.sleep(seconds)
    for child in children:
        child.must_live()
    cpu = sum(child.cpu_ms() for child in children) - cpu
    others = machine_busy_s() - sum(child.cpu_ms() for child in watched) / 1000 - others
    stats = target.stats()
    return {
        "first full pass (s)": first_pass,
        "gap p95 (s)": (stats["gap_ms"]["p95"] or 0) / 1000,
        "CPU per probe (ms)": cpu / max(stats["requests"], 1),
        "RSS at its peak (MB)": sum(child.memory_mb("VmHWM") for child in children),
        "RSS now (MB)": sum(child.memory_mb("VmRSS") for child in children),
        "probes": stats["requests"],
        "connections": stats["connections"],
        # a busy machine makes every probe dearer, up to twice: caches are cold
        "others' share of the cores (%)": 100 * others / seconds / os.cpu_count(),
    }


def page(port):
    """Bytes as sent and milliseconds until the last of them, the median of eleven."""
    took = []
    for _ in range(11):
        begun = time.perf_counter()
        status, body = get(port, "/", {"Accept-Encoding": "gzip"})
        took.append((time.perf_counter() - begun) * 1000)
        assert status == 200, f"the page answers {status}"
    cards = gzip.decompress(body).decode().count("<article")
    return {"page, gzip (kB)": len(body) / 1000, "page, render (ms)": statistics.median(took), "cards": cards}


def bench_p7(options, target, reuse, seconds):
    folder = pathlib.Path(tempfile.mkdtemp(dir=options.folder))
    paths = [f"/s/{n}" for n in range(options.services)]
    port = write_config(folder, paths, target, INTERVAL_S, reuse)
    target.reset(len(paths))
    node = Child([options.p7, "run", "--config", folder], folder, "p7")
    try:
        figures = measured(target, [node], paths, seconds)
        figures |= page(port)
        figures["RSS at its peak (MB)"] = node.memory_mb("VmHWM")
        return figures
    finally:
        node.stop()


def bench_latency(options, target, seconds):
    """A hundred probes a second of known delays: by how much does what p7 reports differ?"""
    folder = pathlib.Path(tempfile.mkdtemp(dir=options.folder))
    delays = [DELAYS_MS[n % len(DELAYS_MS)] for n in range(500)]
    port = write_config(folder, [f"/delay/{ms}/{n}" for n, ms in enumerate(delays)], target, 5, False)
    target.reset(len(delays))
    node = Child([options.p7, "run", "--config", folder], folder, "p7-latency")
    try:
        target.first_pass([node])
        target.reset(len(delays))
        time.sleep(seconds)
        differences = []
        for n, ms in enumerate(delays):
            _, body = get(port, f"/api/v1/services/s{n:04}/results")
            results = sorted(json.loads(body)["items"], key=lambda r: r["at"])
            # the first pass is a crowd; what counts is the steady state
            differences += [abs(r["latency_ms"] - ms) for r in results[2:]]
        differences.sort()
        overshoot = target.stats()["overshoot_ms"]
        return {
            "probes": len(differences),
            "p50": differences[len(differences) // 2],
            "p95": differences[len(differences) * 95 // 100],
            "max": differences[-1],
            "server": overshoot["p95"],
        }
    finally:
        node.stop()


def bench_peer(options, target, seconds):
    """Debian's blackbox_exporter, scraped by Debian's Prometheus: the same work."""
    exporter, prometheus = (shutil.which(p, path=options.path) for p in
                            ("prometheus-blackbox-exporter", "prometheus"))
    if not exporter or not prometheus:
        print("no blackbox_exporter here; `scripts/setup bench` brings it", file=sys.stderr)
        return None
    folder = pathlib.Path(tempfile.mkdtemp(dir=options.folder))
    paths = [f"/s/{n}" for n in range(options.services)]
    ports = free_port(), free_port()
    (folder / "blackbox.yml").write_text("modules:\n  http_2xx:\n    prober: http\n    timeout: 5s\n")
    urls = "".join(f"      - http://127.0.0.1:{target.port}{path}\n" for path in paths)
    (folder / "prometheus.yml").write_text(
        f"global:\n  scrape_interval: {INTERVAL_S}s\n"
        "scrape_configs:\n- job_name: bench\n  metrics_path: /probe\n  params:\n    module: [http_2xx]\n"
        f"  static_configs:\n  - targets:\n{urls}"
        "  relabel_configs:\n  - source_labels: [__address__]\n    target_label: __param_target\n"
        "  - source_labels: [__param_target]\n    target_label: instance\n"
        f"  - target_label: __address__\n    replacement: 127.0.0.1:{ports[0]}\n"
    )
    target.reset(len(paths))
    children = []
    try:
        for name, command in (
            ("prometheus", [prometheus, "--config.file=prometheus.yml", "--storage.tsdb.path=tsdb",
                            f"--web.listen-address=127.0.0.1:{ports[1]}"]),
            ("blackbox", [exporter, "--config.file=blackbox.yml", f"--web.listen-address=127.0.0.1:{ports[0]}"]),
        ):
            children.append(Child(command, folder, name))
        return measured(target, children, paths, seconds)
    finally:
        for child in children:
            child.stop()


def table(columns):
    head = ["", *columns]
    rows = []
    for name in GOALS:
        goal = GOALS[name]
        cells = [name]
        for column, figures in columns.items():
            value = figures.get(name)
            limit = goal[1] if "reuse" in column else goal[0]
            verdict = "" if value is None or not column.startswith("p7") else (" ok" if value <= limit else f" > {limit:g}")
            cells.append("–" if value is None else f"{value:.3g}{verdict}")
        rows.append(cells)
    widths = [max(len(row[i]) for row in [head, *rows]) for i in range(len(head))]
    for row in [head, *rows]:
        print("  ".join(cell.ljust(width) for cell, width in zip(row, widths)).rstrip())


def missed(column, figures):
    reuse = "reuse" in column
    return [name for name, goal in GOALS.items() if column.startswith("p7") and figures[name] > goal[reuse]]


def main():
    parser = argparse.ArgumentParser(prog="scripts/bench-probe", description=__doc__)
    parser.add_argument("--services", type=int, default=1000, help="HTTP services, each every 10 s")
    parser.add_argument("--seconds", type=int, default=60, help="how long the steady state is watched")
    parser.add_argument("--only", choices=["new", "reuse", "latency", "peer"], help="one part alone")
    parser.add_argument("--no-peer", action="store_true", help="leave blackbox_exporter out")
    parser.add_argument("--strict", action="store_true", help="exit 1 when a goal is missed")
    parser.add_argument("--p7", required=True, help=argparse.SUPPRESS)
    parser.add_argument("--target", required=True, help=argparse.SUPPRESS)
    parser.add_argument("--path", default=os.environ["PATH"], help=argparse.SUPPRESS)
    options = parser.parse_args()
    options.p7, options.target = os.path.abspath(options.p7), os.path.abspath(options.target)
    wanted = lambda part: options.only in (None, part)

    with tempfile.TemporaryDirectory(prefix="p7-bench-") as folder:
        options.folder = pathlib.Path(folder)
        target = Target(options.target, options.folder)
        columns, latency = {}, None
        try:
            if wanted("new"):
                columns["p7, new connections"] = bench_p7(options, target, False, options.seconds)
            if wanted("reuse"):
                columns["p7, reuse_connections"] = bench_p7(options, target, True, min(options.seconds, 30))
            if wanted("peer") and not options.no_peer:
                if peer := bench_peer(options, target, min(options.seconds, 40)):
                    columns["blackbox + Prometheus"] = peer
            if wanted("latency"):
                latency = bench_latency(options, target, min(options.seconds, 20))
        finally:
            target.child.stop()

    print(f"\n{options.services} HTTP services on loopback every {INTERVAL_S} s, {os.cpu_count()} cores")
    table(columns)
    faults = [f"{column}: {name}" for column, figures in columns.items() for name in missed(column, figures)]
    if {"p7, new connections", "blackbox + Prometheus"} <= columns.keys():
        ours, theirs = columns["p7, new connections"], columns["blackbox + Prometheus"]
        print("ratio to p7: " + ", ".join(
            f"{name} {theirs[name] / max(ours[name], 1e-9):.1f}×" for name in ("CPU per probe (ms)", "RSS at its peak (MB)")))
    for column, figures in columns.items():
        print(f"{column}: " + ", ".join(f"{k} {figures[k]:.4g}" for k in figures if k not in GOALS))
    if latency:
        print("latency against known delays at 100 probes/s, |difference| in ms: "
              "p50 {p50:.2f}, p95 {p95:.2f}, max {max:.2f} of {probes} probes; "
              "the server itself was late by {server:.2f} at p95".format(**latency))
        if latency["p95"] > LATENCY_GOAL_MS:
            faults.append("latency agreement")
    print("goals missed: " + "; ".join(faults) if faults else "all goals reached")
    sys.exit(1 if faults and options.strict else 0)


if __name__ == "__main__":
    # Ctrl-C and a supervisor's SIGTERM alike end the children
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    main()
