"""Starts the programs that the benchmarks compare, on free ports of loopback, and reads what they cost from /proc.

Everything that was started is stopped when the script ends, also after Ctrl-C or SIGTERM.
"""

import atexit
import gzip
import http.client
import json
import os
import re
import shlex
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time

import organisation
import simulated

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))
NAME = "genesyscloud-oauth-exporter"
BINARY = os.path.join(ROOT, "target", "dist", NAME)
TICKS = os.sysconf("SC_CLK_TCK")
MEBIBYTE = 1 << 20
# Seconds until a program that does not answer is an error. The platform of 100,000 clients needs most of it.
PATIENCE = 300
# The secret of the simulated organisations of `benches/steps`.
SIMULATED_SECRET = "simulated-client-secret"
started = []


def fail(message):
    raise SystemExit(f"{os.path.basename(sys.argv[0])}: {message}")


def stop_everything():
    for program in reversed(started):
        program.stop()


def prepare():
    """What every benchmark does first."""
    atexit.register(stop_everything)
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, lambda *_: sys.exit(1))
    signal.signal(signal.SIGINT, lambda *_: sys.exit(130))
    if not os.path.isdir("/proc/self"):
        fail("needs Linux, because it reads /proc")


def binary(path):
    path = os.path.abspath(path or BINARY)
    if not os.access(path, os.X_OK):
        fail(f"{path} is not a program. Build it with: cargo build --profile dist")
    return path


def sizes(text):
    """Numbers of clients, as an argument."""
    numbers = [int(number) for number in text.replace("_", "").split(",")]
    if min(numbers) < 1:
        raise ValueError
    return numbers


def free_port():
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


class Program:
    """A process of its own, and its port."""

    def __init__(self, name, command, port=None, environment=None, stdout=subprocess.DEVNULL):
        self.name, self.port = name, port
        # Not a pipe: nobody would read it while the program is measured.
        self.log = tempfile.NamedTemporaryFile(prefix="bench-", suffix=".log")
        self.began = time.perf_counter()
        environment = {"PATH": os.environ["PATH"], "PYTHONDONTWRITEBYTECODE": "1", **(environment or {})}
        # In a session of its own, so that Ctrl-C reaches only the script, which stops the program.
        self.process = subprocess.Popen(command, env=environment, stdin=subprocess.DEVNULL, stdout=stdout, stderr=self.log, start_new_session=True)
        started.append(self)

    def stop(self):
        if self.process.poll() is None:
            self.process.terminate()
            try:
                self.process.wait(timeout=10)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
        if self in started:
            started.remove(self)

    def lines(self):
        with open(self.log.name, encoding="utf-8", errors="replace") as log:
            return log.read().splitlines()

    def check(self):
        if self.process.poll() is not None:
            fail(f"{self.name} ended with exit code {self.process.returncode}. Its last lines:\n" + "\n".join(self.lines()[-10:]))

    def first_response(self, path="/metrics"):
        """Seconds from the start of the program to the first byte of its first response."""
        request = f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1:{self.port}\r\nConnection: close\r\n\r\n".encode()
        while time.perf_counter() - self.began < PATIENCE:
            try:
                with socket.create_connection(("127.0.0.1", self.port), timeout=PATIENCE) as stream:
                    stream.sendall(request)
                    if stream.recv(1 << 16).split(b" ", 2)[1:2] == [b"200"]:
                        return time.perf_counter() - self.began
            except OSError:
                pass
            self.check()
            time.sleep(0.0002)
        return fail(f"{self.name} did not answer within {PATIENCE} s")

    def get(self, path="/metrics", compressed=False):
        """The headers and the body of a response, the body as it was sent."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=PATIENCE)
        connection.request("GET", path, headers={"Accept-Encoding": "gzip" if compressed else "identity"})
        answer = connection.getresponse()
        body = answer.read()
        connection.close()
        if answer.status != 200:
            fail(f"{self.name} answered {path} with status {answer.status}")
        return answer.headers, body

    def cpu(self):
        """Seconds of CPU time so far, of user and system together."""
        self.check()
        with open(f"/proc/{self.process.pid}/stat", encoding="ascii") as file:
            fields = file.read().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / TICKS

    def memory(self, key):
        """Bytes, for example of `VmRSS` or `VmHWM`."""
        self.check()
        with open(f"/proc/{self.process.pid}/status", encoding="ascii") as file:
            return next(int(line.split()[1]) * 1024 for line in file if line.startswith(key + ":"))


def platform(clients, page_size, changing=False):
    command = [sys.executable, os.path.join(HERE, "simulated.py"), str(clients), str(page_size), "changing" if changing else "unchanged"]
    program = Program("the simulated platform", command, stdout=subprocess.PIPE)
    watchdog = threading.Timer(PATIENCE, program.process.kill)
    watchdog.start()
    line = program.process.stdout.readline()
    watchdog.cancel()
    if not line:
        fail("the simulated platform did not start:\n" + "\n".join(program.lines()[-10:]))
    program.port = int(line)
    return program


class Exporter(Program):
    """The exporter, with limits that let it read the simulated platform as often as the benchmark wants."""

    def __init__(self, path, platform, interval, more=None):
        self.folder = tempfile.TemporaryDirectory(prefix="bench-")
        self.state = os.path.join(self.folder.name, "state.json")
        port = free_port()
        url = f"http://127.0.0.1:{platform.port}/"
        environment = {
            "GENESYSCLOUD_OAUTHCLIENT_ID": organisation.OWN,
            "GENESYSCLOUD_OAUTHCLIENT_SECRET": simulated.SECRET,
            "GENESYSCLOUD_API_URL": url,
            "GENESYSCLOUD_LOGIN_URL": url,
        }
        flags = {
            "web.listen-address": f"127.0.0.1:{port}",
            "state.file": self.state,
            "refresh.interval": interval,
            "refresh.deadline": "10m",
            "genesys.requests-per-minute": 3000,
            "genesys.burst": 3000,
            "genesys.max-pages": 100000,
            "metrics.max-client-series": 10000000,
            **(more or {}),
        }
        super().__init__("the exporter", [path, *(f"--{flag}={value}" for flag, value in flags.items())], port, environment)

    def stop(self):
        super().stop()
        self.folder.cleanup()

    def refreshes_logged(self):
        with open(self.log.name, "rb") as log:
            return log.read().count(b'msg="refresh complete"')

    def wait_for_refresh(self, number):
        """Waits until this many refreshes are logged as complete, and for each of them not longer than a limit."""
        complete, since = 0, time.perf_counter()
        while (logged := self.refreshes_logged()) < number:
            self.check()
            if logged > complete:
                complete, since = logged, time.perf_counter()
            if time.perf_counter() > since + PATIENCE:
                fail(f"refresh {logged + 1} was not complete within {PATIENCE} s. The last lines of the exporter:\n" + "\n".join(self.lines()[-10:]))
            time.sleep(0.002)

    def refreshes(self):
        """The successful refreshes, from the exporter's own counter. A failed one is an error."""
        page = gzip.decompress(self.get(compressed=True)[1])
        counted = dict(re.findall(rb'^genesyscloud_oauth_exporter_refreshes_total\{[^}]*outcome="(\w+)"[^}]*\} (\d+)', page, re.MULTILINE))
        if b"success" not in counted or counted.get(b"error") != b"0":
            fail(f"refreshes failed: {counted}. The last lines of the exporter:\n" + "\n".join(self.lines()[-10:]))
        return int(counted[b"success"])


def series(page):
    return sum(1 for line in page.splitlines() if line and not line.startswith(b"#"))


def as_root(command):
    return command if os.geteuid() == 0 else ["sudo", *command]


def install(packages):
    """Installs the Debian packages whose program is missing."""
    missing = [package for program, package in packages.items() if not shutil.which(program)]
    if not missing:
        return
    print(f"installing {' '.join(missing)}", file=sys.stderr)
    # RUNLEVEL=1: only the programs of these packages are needed, so their services must not start.
    setting = ["env", "DEBIAN_FRONTEND=noninteractive", "RUNLEVEL=1"]
    for command in (["apt-get", "update", "-q"], [*setting, "apt-get", "install", "-q", "-y", "--no-install-recommends", *missing]):
        try:
            result = subprocess.run(as_root(command), stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, check=False)
            failure = result.stderr.strip() if result.returncode else None
        except FileNotFoundError as error:
            failure = str(error)
        if failure:
            fail(f"cannot install {' and '.join(missing)}: {failure}\nInstall these Debian packages, or programs of the same names, by hand.")


def python_with_client():
    """A Python that has `prometheus_client`: the one of the tests, which scripts/check also creates."""
    folder = os.path.join(ROOT, "target", "tools", "venv")
    python = os.path.join(folder, "bin", "python")
    has = lambda: os.path.exists(python) and subprocess.run([python, "-c", "import prometheus_client"], stderr=subprocess.DEVNULL, check=False).returncode == 0
    if not has():
        for command in ([sys.executable, "-m", "venv", folder], [python, "-m", "pip", "install", "--quiet", "prometheus_client==0.23.1", "jsonschema==4.25.1"]):
            if subprocess.run(command, stdout=sys.stderr, check=False).returncode:
                fail(f"cannot create {folder} with prometheus_client. It needs the Debian package python3-venv and access to PyPI.")
    return python


def output(command):
    result = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)
    return (result.stdout.strip().splitlines() or ["unknown"])[0]


def machine():
    """One line on the machine."""
    with open("/proc/cpuinfo", encoding="utf-8") as file:
        model = next((line.split(":", 1)[1].strip() for line in file if line.startswith("model name")), os.uname().machine)
    with open("/proc/meminfo", encoding="ascii") as file:
        memory = int(file.readline().split()[1]) >> 20
    system = "Linux"
    if os.path.exists("/etc/os-release"):
        with open("/etc/os-release", encoding="utf-8") as file:
            system = json.loads(next((line.split("=", 1)[1] for line in file if line.startswith("PRETTY_NAME=")), '"Linux"'))
    return f"{len(os.sched_getaffinity(0))} cores ({model}), {memory} GiB of memory, {system}, Linux {os.uname().release}"


def introduce():
    """Prints the command and the machine, above the tables."""
    command = shlex.join(["scripts/" + os.path.basename(sys.argv[0]), *sys.argv[1:]])
    print(f"Command: `{command}`, begun at a load average of {os.getloadavg()[0]:.1f}.\n\nMachine: {machine()}.\n", flush=True)


def locked(*names):
    """The versions of these crates in Cargo.lock."""
    with open(os.path.join(ROOT, "Cargo.lock"), encoding="utf-8") as file:
        versions = dict(re.findall(r'name = "([^"]+)"\nversion = "([^"]+)"', file.read()))
    return ", ".join(f"{name} {versions[name]}" for name in names)


class ManyOrganisations(Program):
    """The exporter with the organisations of these `[[organisation]]` stanzas."""

    def __init__(self, path, stanzas):
        self.folder = tempfile.TemporaryDirectory(prefix="bench-")
        file = lambda name: os.path.join(self.folder.name, name)
        defaults = {"client_secret_file": "secret", "interval": "30s", "deadline": "20s", "stale_after": "1h", "requests_per_minute": 3000}
        with open(file("organisations.toml"), "w", encoding="utf-8") as config, open(file("secret"), "w", encoding="utf-8") as secret:
            config.write("[defaults]\n" + "".join(f"{key} = {json.dumps(value)}\n" for key, value in defaults.items()) + stanzas)
            secret.write(SIMULATED_SECRET)
        port = free_port()
        flags = {"web.listen-address": f"127.0.0.1:{port}", "config.file": file("organisations.toml"), "state.dir": self.folder.name}
        super().__init__("the exporter", [path, *(f"--{flag}={value}" for flag, value in flags.items())], port)

    def stop(self):
        super().stop()
        self.folder.cleanup()

    def wait_for_organisations(self, complete, failed):
        """Waits until refreshes of so many organisations were complete, and of so many failed."""
        of = lambda what, lines: len({found[1] for line in lines if what in line and (found := re.search(r"\borg=(\S+)", line))})
        since = time.perf_counter()
        while (now := (of("refresh complete", lines := self.lines()), of("refresh failed", lines))) != (complete, failed):
            self.check()
            if time.perf_counter() > since + PATIENCE:
                fail(f"{now[0]} organisations were read and {now[1]} failed within {PATIENCE} s, not {complete} and {failed}")
            time.sleep(0.2)
