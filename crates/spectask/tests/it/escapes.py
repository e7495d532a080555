"""Tries to leave a sandbox, one attempt after the other.

Argument: a JSON object with the paths and numbers that attempts aim at. After each attempt it says in `asked.json` what
happened as it sees it, and waits until `answered` has the attempt's number: meanwhile the test looks from outside at what
came of it, and puts that right.
"""

import ctypes
import json
import os
import signal
import socket
import subprocess
import sys
import time

AIM = json.loads(sys.argv[1])
libc = ctypes.CDLL(None, use_errno=True)
ATTEMPTS = {}
# Attempts that change files: whether one succeeded shows outside, and nothing that it says counts.
EFFECTS = set()
# Attempts that read a file, with its path: they succeed when what they see is what the file holds outside.
READ = {}


def attempt(name, effect=False):
    def keep(function):
        ATTEMPTS[name] = function
        if effect:
            EFFECTS.add(name)
        return function

    return keep


def sees(path):
    with open(path, "rb") as file:
        content = file.read(64)
    with open("seen", "wb") as seen:
        seen.write(content)
    return len(content) > 0


def reads(name, path, outside=None):
    ATTEMPTS[name] = lambda: sees(path)
    READ[name] = outside or path


def writes(name, path):
    def change():
        with open(path, "ab") as file:
            file.write(b"# escaped\n")
        return True

    ATTEMPTS[name] = change
    EFFECTS.add(name)


def runs(name, *command, cwd=None, env=None, effect=False):
    if effect:
        EFFECTS.add(name)

    def start():
        done = subprocess.run(
            command, cwd=cwd, env={**os.environ, **(env or {})}, stdin=subprocess.DEVNULL,
            capture_output=True, timeout=20, check=False,
        )
        return done.returncode == 0

    ATTEMPTS[name] = start


def calls(name, number, *arguments):
    def call():
        ctypes.set_errno(0)
        return libc.syscall(ctypes.c_long(number), *arguments) >= 0

    ATTEMPTS[name] = call


data, home, repo = AIM["data"], AIM["home"], AIM["repository"]
git_dir, other = os.path.join(repo, ".git"), AIM["other_worktree"]
worktree = os.getcwd()

# Files of the server and of the person.
reads("read the database", f"{data}/spectask.db")
reads("read the owner's token", f"{data}/token")
reads("read the server's address file", f"{data}/server.json")
reads("read the configuration", AIM["config"])
reads("read another task's worktree", f"{other}/README.md")
reads("read the person's ssh key", f"{home}/.ssh/id_ed25519")
reads("read cloud credentials", f"{home}/.aws/credentials")
reads("read git credentials", f"{home}/.git-credentials")
reads("read registry credentials", f"{home}/.cargo/credentials.toml")
reads("read the person's uncommitted files", f"{repo}/.env")
reads("read the hashes of passwords", "/etc/shadow")
writes("write the database", f"{data}/spectask.db")
writes("write a scenario", f"{AIM['scenarios']}/test.toml")
writes("write another task's worktree", f"{other}/README.md")
writes("write the person's profile", f"{home}/.profile-of-person")
writes("write the person's checkout", f"{repo}/README.md")
writes("write a toolchain", f"{home}/.cargo/bin/tool")
writes("write a toolchain's settings", f"{home}/.cargo/config.toml")
writes("write a system folder", f"/usr/local/bin/{AIM['marker']}")
writes("write the system's settings", f"/etc/profile.d/{AIM['marker']}.sh")


@attempt("read the database through a symbolic link")
def _():
    link = os.path.join(worktree, "link-to-db")
    os.symlink(f"{data}/spectask.db", link)
    try:
        return sees(link)
    finally:
        os.unlink(link)


READ["read the database through a symbolic link"] = f"{data}/spectask.db"


@attempt("write through a symbolic link", effect=True)
def _():
    link = os.path.join(worktree, "link-to-readme")
    os.symlink(f"{repo}/README.md", link)
    try:
        with open(link, "ab") as file:
            file.write(b"escaped\n")
        return True
    finally:
        os.unlink(link)


@attempt("hard link a file of the repository into the worktree")
def _():
    os.link(f"{git_dir}/config", os.path.join(worktree, "linked"))
    return True


@attempt("swap a folder for a link while it is written", effect=True)
def _():
    link = os.path.join(worktree, "race-link")
    os.symlink(repo, link)
    for _ in range(200):
        os.rename(link, os.path.join(worktree, "race-spare"))
        os.rename(os.path.join(worktree, "race-spare"), link)
        try:
            with open(os.path.join(link, "raced"), "wb") as file:
                file.write(b"x")
            return True
        except OSError:
            continue
    return False


# The repository's git directory.
writes("write the repository's configuration", f"{git_dir}/config")
writes("plant a hook", f"{git_dir}/hooks/post-commit")
writes("write grafts", f"{git_dir}/info/grafts")
writes("write attributes of the repository", f"{git_dir}/info/attributes")
writes("write exclusions of the repository", f"{git_dir}/info/exclude")
writes("name further object folders", f"{git_dir}/objects/info/alternates")
writes("plant a pack", f"{git_dir}/objects/pack/pack-0.pack")
writes("move the repository's HEAD", f"{git_dir}/HEAD")
writes("write packed refs", f"{git_dir}/packed-refs")
writes("write the base branch", f"{git_dir}/refs/heads/main")
writes("write the server's memory of a branch", f"{git_dir}/refs/spectask/forward/main")
OTHER_COMMIT = "$(git -c user.name=x -c user.email=x@y commit-tree -m escape 'HEAD^{tree}')"


def git(name, *arguments):
    runs(name, "sh", "-c", " ".join(["git", *arguments]), cwd=worktree, effect=True)


git("move the base branch", "update-ref", "refs/heads/main", OTHER_COMMIT)
git("delete the base branch", "update-ref", "-d", "refs/heads/main")
git("make a branch outside the session's", "branch", "escape")
git("make a tag", "tag", "escape")
git("replace a commit", "replace", "-f", "HEAD", OTHER_COMMIT)
git("set a hooks path", "config", "core.hooksPath", "/tmp/hooks")
git("set a filter", "config", "filter.x.clean", "'touch /tmp/x'")
git("turn on configuration per worktree", "config", "extensions.worktreeConfig", "true")
git("repack the repository", "repack", "-a")
other_git_dir = os.path.join(git_dir, "worktrees", os.path.basename(other))
runs("prune other worktrees", "rm", "-rf", other_git_dir, effect=True)
runs("remove the base branch's file", "rm", "-f", f"{git_dir}/refs/heads/main", effect=True)
runs("commit to the documents' branch", "git", "-C", AIM["documents"], "commit", "--allow-empty", "-m", "x")


def own_git_dir():
    with open(os.path.join(worktree, ".git"), encoding="utf-8") as file:
        return file.read().split("gitdir:", 1)[1].strip()


@attempt("change the worktree's pointer", effect=True)
def _():
    with open(os.path.join(worktree, ".git"), "w", encoding="utf-8") as file:
        file.write("gitdir: /tmp/evil\n")
    return True


@attempt("replace the worktree's pointer", effect=True)
def _():
    with open(os.path.join(worktree, "pointer"), "w", encoding="utf-8") as file:
        file.write("gitdir: /tmp/evil\n")
    os.rename(os.path.join(worktree, "pointer"), os.path.join(worktree, ".git"))
    return True


@attempt("rename the worktree")
def _():
    os.rename(worktree, worktree + "-moved")
    os.rename(worktree + "-moved", worktree)
    return True


@attempt("redirect the repository through commondir", effect=True)
def _():
    with open(os.path.join(own_git_dir(), "commondir"), "w", encoding="utf-8") as file:
        file.write("/tmp/evil\n")
    return True


@attempt("redirect the worktree through gitdir", effect=True)
def _():
    with open(os.path.join(own_git_dir(), "gitdir"), "w", encoding="utf-8") as file:
        file.write("/tmp/evil\n")
    return True


@attempt("exchange the worktree's git directory")
def _():
    own = own_git_dir()
    os.rename(own, own + "-moved")
    os.rename(own + "-moved", own)
    return True


@attempt("exchange the task's home folder")
def _():
    own = os.path.dirname(os.environ["SPECTASK_SCRIPTED_STATE"])
    os.rename(os.path.join(own, "home"), os.path.join(own, "home-moved"))
    os.rename(os.path.join(own, "home-moved"), os.path.join(own, "home"))
    return True


# Other processes.
server = AIM["server"]
reads("read the server's environment", f"/proc/{server}/environ")
reads("read the server's memory map", f"/proc/{server}/maps")
writes("write the server's memory", f"/proc/{server}/mem")
reads("read the token through the server's root folder", f"/proc/{server}/root{data}/token", f"{data}/token")
reads("read the database through the server's root folder", f"/proc/{server}/root{data}/spectask.db", f"{data}/spectask.db")


@attempt("read the environment of any process outside")
def _():
    for name in filter(str.isdigit, os.listdir("/proc")):
        try:
            with open(f"/proc/{name}/environ", "rb") as file:
                if AIM["secret"].encode() in file.read():
                    return True
        except OSError:
            continue
    return False


@attempt("signal the server")
def _():
    os.kill(server, 0)
    os.kill(server, signal.SIGCONT)
    return True


@attempt("signal the process group of the server")
def _():
    os.killpg(AIM["server_group"], signal.SIGCONT)
    return True


calls("trace the server", 101, 16, server, None, None)
calls("trace itself", 101, 0, 0, None, None)
calls("take a descriptor of the server", 438, 3, 0, 0)
calls("read memory of another process", 310, server, None, 0, None, 0, 0)
calls("compare descriptors with the server", 312, os.getpid(), os.getpid(), 0, 0, 0)


@attempt("inherit a descriptor")
def _():
    open_ones = [int(name) for name in os.listdir("/proc/self/fd")]
    leaked = [n for n in open_ones if n > 2 and os.path.exists(f"/proc/self/fd/{n}")]
    return any("/proc/" not in os.readlink(f"/proc/self/fd/{n}") for n in leaked)


# Namespaces, privileges, devices, the kernel.
calls("make a user namespace", 272, 0x10000000)
calls("make a mount namespace", 272, 0x00020000)
calls("clone into a user namespace", 56, 0x10000000 | 17, None, None, None, None)
calls("clone into namespaces by clone3", 435, None, 0)
runs("mount a file system", "sh", "-c", "mkdir -p mounted && mount -t tmpfs none mounted && umount mounted")
runs("mount the machine's disk", "sh", "-c", "mount -o remount,rw /")
runs("change the root", "chroot", "/", "true")
calls("open a tree of mounts", 428, -100, b"/", 0)
calls("open a file by its handle", 304, -100, None, 0)
calls("load a program into the kernel", 321, 5, None, 0)
calls("watch the kernel", 298, None, 0, -1, -1, 0)
calls("use the keyring", 250, 0, -3, 0)
calls("add a key", 248, b"user", b"k", b"v", 1, -3)
calls("set up an I/O ring", 425, 1, None)
calls("handle page faults of the kernel", 323, 0)
calls("load a module", 175, None, 0, b"")
calls("restart the machine", 169, 0, 0, 0, 0)
calls("set the clock", 227, 0, None)
calls("set the host's name", 170, b"x", 1)
calls("get port access", 172, 3)
runs("become root with a setuid program", "sh", "-c", "cp /usr/bin/id ./id && chmod 4755 ./id && sudo -n ./id")
runs("make a device", "mknod", os.path.join(worktree, "disk"), "b", "254", "0")
reads("read the machine's disk", AIM["disk"])
writes("write a kernel setting", "/proc/sys/kernel/core_pattern")
writes("write to the kernel's triggers", "/proc/sysrq-trigger")
writes("write a control group", "/sys/fs/cgroup/cgroup.procs")


@attempt("gain a capability")
def _():
    with open("/proc/self/status", encoding="utf-8") as file:
        effective = [line.split()[1] for line in file if line.startswith("CapEff")]
    return int(effective[0], 16) != 0


@attempt("gain privileges by running a program")
def _():
    with open("/proc/self/status", encoding="utf-8") as file:
        return any(line.split() == ["NoNewPrivs:", "0"] for line in file)


# Sockets.
@attempt("connect to an abstract socket outside")
def _():
    with socket.socket(socket.AF_UNIX) as client:
        client.connect("\0" + AIM["abstract"])
    return True


@attempt("connect to a socket file outside")
def _():
    with socket.socket(socket.AF_UNIX) as client:
        client.connect(AIM["socket"])
    return True


@attempt("connect to the message bus")
def _():
    with socket.socket(socket.AF_UNIX) as client:
        client.connect("/run/dbus/system_bus_socket")
    return True


@attempt("open a raw socket")
def _():
    socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_ICMP).close()
    return True


@attempt("open a packet socket")
def _():
    socket.socket(socket.AF_PACKET, socket.SOCK_RAW).close()
    return True


@attempt("listen to the kernel's events")
def _():
    socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, 15).close()
    return True


# Environment and caches.
@attempt("find a secret in the environment")
def _():
    return any(AIM["secret"] in value for value in os.environ.values())


@attempt("inject a library into processes outside")
def _():
    preload = "/etc/ld.so.preload"
    was_there = os.path.exists(preload)
    with open(preload, "ab") as file:
        file.write(b"")
    if not was_there:
        os.unlink(preload)
    return True


@attempt("shadow a program of the person's path", effect=True)
def _():
    with open(f"{home}/.local/bin/git", "wb") as file:
        file.write(b"#!/bin/sh\n")
    return True


@attempt("point git at another configuration", effect=True)
def _():
    done = subprocess.run(
        ["sh", "-c", f"git update-ref refs/heads/main {OTHER_COMMIT}"], cwd=worktree, capture_output=True, check=False,
        env={**os.environ, "GIT_DIR": own_git_dir(), "GIT_COMMON_DIR": git_dir, "GIT_CONFIG_COUNT": "1",
             "GIT_CONFIG_KEY_0": "core.bare", "GIT_CONFIG_VALUE_0": "false"},
    )
    return done.returncode == 0


@attempt("poison the package cache of npm", effect=True)
def _():
    path = f"{home}/.npm/_cacache/index"
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "wb") as file:
        file.write(b"poisoned")
    return True


@attempt("poison the package cache of cargo", effect=True)
def _():
    path = f"{home}/.cargo/registry/index"
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "wb") as file:
        file.write(b"poisoned")
    return True


@attempt("leave a file in the shared temporary folder", effect=True)
def _():
    with open(f"/tmp/{AIM['marker']}", "wb") as file:
        file.write(b"here")
    return True


def tell(number, **said):
    with open("asked.tmp", "w", encoding="utf-8") as file:
        json.dump({"number": number, **said}, file)
    os.rename("asked.tmp", "asked.json")
    while True:
        try:
            with open("answered", encoding="utf-8") as file:
                if file.read().strip() == str(number):
                    return
        except OSError:
            pass
        time.sleep(0.002)


tell(0)
for number, (name, function) in enumerate(ATTEMPTS.items(), 1):
    child = os.fork()
    if child == 0:
        # Each attempt has a process of its own, so that none spoils another.
        try:
            code = 0 if function() else 1
        except BaseException as error:  # noqa: BLE001
            sys.stderr.write(f"{name}: {error}\n")
            code = 1
        os._exit(code)
    _, status = os.waitpid(child, 0)
    done = os.WIFEXITED(status) and os.WEXITSTATUS(status) == 0
    tell(number, name=name, done=done, is_effect=name in EFFECTS, read=READ.get(name))
tell(-1)
