"""What each container may do, as the running engine and the kernel say it."""

from pathlib import Path

from engine import SERVICES, WATCHERS, Fault, call, inspect

NOBODY = 65532


def each_container():
    all_of([*SERVICES, "setup"])


def all_of(services):
    # Some kernels are started without the accounting that this limit needs.
    limits_swap = call("docker", "info", "--format", "{{.SwapLimit}}").stdout.strip() == "true"
    wrong = [f"{service}: {fault}" for service in services for fault in faults_of(service, limits_swap)]
    if wrong:
        raise Fault("; ".join(wrong))


def faults_of(service, limits_swap):
    told = inspect(service)
    host = told["HostConfig"]
    for what, holds in {
        "its root can be written": host["ReadonlyRootfs"],
        "it keeps capabilities": host["CapDrop"] == ["ALL"] and not host["CapAdd"],
        "it can gain privileges": "no-new-privileges:true" in host["SecurityOpt"],
        "it is privileged": not host["Privileged"],
        "it has the machine's namespaces": host["NetworkMode"] != "host" and host["PidMode"] == "" and host["IpcMode"] in ("private", ""),
        "its memory has no limit": host["Memory"] > 0,
        "its memory can be written to swap": not limits_swap or host["MemorySwap"] == host["Memory"],
        "its processes have no limit": (host["PidsLimit"] or 0) > 0,
        "its log has no limit": host["LogConfig"]["Type"] == "local" and "max-size" in host["LogConfig"]["Config"],
        "it runs as somebody": told["Config"]["User"] == f"{NOBODY}:{NOBODY}",
        # Who watches keeps what it has seen, in one volume of its own.
        "it has a volume that it can write": service == "setup" or sum(mount["RW"] for mount in told["Mounts"]) <= (service in WATCHERS),
    }.items():
        if not holds:
            yield what
    if service != "setup":
        if "nofile" not in {limit["Name"] for limit in host["Ulimits"] or []}:
            yield "its open files have no limit"
        if host["RestartPolicy"]["Name"] != "unless-stopped":
            yield "it is not started again"
        yield from faults_in_kernel(told["State"]["Pid"])


def faults_in_kernel(pid):
    """What has really come of it: the first process of the container, as the kernel sees it."""
    status = dict(line.split(":", 1) for line in Path(f"/proc/{pid}/status").read_text(encoding="utf-8").splitlines())
    for sets in ["CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb"]:
        if int(status[sets], 16) != 0:
            yield f"{sets} is {status[sets].strip()}"
    if status["NoNewPrivs"].strip() != "1":
        yield "it can gain privileges in the kernel"
    if set(status["Uid"].split() + status["Gid"].split()) != {str(NOBODY)}:
        yield f"it runs as {status['Uid'].strip()}"
    if status["Seccomp"].strip() != "2":
        yield "no filter of system calls"


def no_node_can_write():
    """Where the image has a tool that could, it fails."""
    for service in ["nginx", "nats-1"]:
        name = inspect(service)["Name"].lstrip("/")
        for place in ["/", "/etc", "/etc/nats", "/etc/nginx/chat"]:
            done = call("docker", "exec", name, "/bin/busybox", "touch", f"{place}/new", check=False)
            if done.returncode == 0:
                raise Fault(f"{service} can write to {place}")
