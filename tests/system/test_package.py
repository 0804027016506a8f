"""What an installation puts where, what its programs are made of, and the Debian package coming and going."""
import gzip
import os
import re
import shutil
import subprocess
import tempfile
import unittest
from pathlib import Path

from harness import BUILD, SANITIZER

PAGES = {"ecrelayd": 8, "ecrelayctl": 1, "ecrelay-sink": 1, "ecrelay.yaml": 5, "ecrelay-migration": 7}
PROGRAMS = ("ecrelayd", "ecrelayctl", "ecrelay-sink")
ENVIRONMENT = {**os.environ, "LC_ALL": "C.UTF-8", "MANWIDTH": "100", "DEBIAN_FRONTEND": "noninteractive"}


def run(*command, code=0, **environment):
    """What the command says, on both outputs."""
    done = subprocess.run([str(word) for word in command], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, text=True, env={**ENVIRONMENT, **environment})
    assert done.returncode == code, f"{command} ended with {done.returncode}: {done.stdout}"
    return done.stdout


def scratch(test_class):
    folder = Path(tempfile.mkdtemp(prefix="ecrelay-root-"))
    test_class.addClassCleanup(shutil.rmtree, folder)
    return folder


class Installation(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.root = scratch(cls)
        run("cmake", "--install", BUILD, DESTDIR=str(cls.root))

    def program(self, name):
        return self.root / "usr/bin" / name

    def page(self, name):
        return self.root / f"usr/share/man/man{PAGES[name]}/{name}.{PAGES[name]}.gz"

    def shown(self, name):
        """The page as a person reads it."""
        text = run("man", "-E", "UTF-8", "-l", "-Tutf8", self.page(name), MAN_KEEP_FORMATTING="")
        return re.sub("\x1b\\[[0-9;]*m|.\b", "", text)

    def reference(self):
        return [line for line in run(self.program("ecrelayd"), "--print-reference").splitlines() if not line.startswith(" ")]

    def test_everything_has_its_place(self):
        for path in ("etc/ecrelay/ecrelay.yaml", "usr/lib/systemd/system/ecrelayd.service", "usr/share/doc/ecrelay/copyright",
                     "usr/lib/sysusers.d/ecrelay.conf", "usr/lib/tmpfiles.d/ecrelay.conf"):
            self.assertTrue((self.root / path).is_file(), path)

    def test_the_example_configuration_passes_the_check(self):
        run(self.program("ecrelayd"), "--check-config", "--config", self.root / "etc/ecrelay/ecrelay.yaml")

    def test_pages_of_the_manual_have_no_fault_and_no_gap_left_to_fill(self):
        for name in PAGES:
            said = subprocess.run(["man", "--warnings", "-E", "UTF-8", "-l", "-Tutf8", "-Z", self.page(name)],
                                  stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, env=ENVIRONMENT)
            self.assertEqual(said.stderr, "", name)
            self.assertNotRegex(gzip.decompress(self.page(name).read_bytes()).decode(), "(?m)^@|@VERSION@")

    def test_every_option_of_a_program_is_in_its_page(self):
        for name in PROGRAMS:
            options = set(re.findall(r"(?<![\w-])--[a-z][a-z-]*\b", run(self.program(name), "--help")))
            shown = self.shown(name)
            self.assertEqual([each for each in sorted(options) if each not in shown], [], name)

    def test_every_command_is_in_the_page_of_ecrelayctl(self):
        shown = " ".join(self.shown("ecrelayctl").split())
        for command in ("queue list", "queue cancel", "suppression parked release", "month export", "reconcile", "host explain"):
            self.assertIn(f"ecrelayctl {command}", shown)
        self.assertIn("--encoding ENCODING", shown)

    def test_every_key_of_the_configuration_is_in_its_page(self):
        shown = self.shown("ecrelay.yaml")
        self.assertGreater(len(self.reference()), 100)
        self.assertEqual([key for key in self.reference() if key not in shown], [])

    def test_every_event_is_in_the_page_of_ecrelayd(self):
        shown = self.shown("ecrelayd")
        for event in ("connect_refused", "accept", "sent", "defer", "bounce", "charge_failed", "month_closed", "store_trouble"):
            self.assertRegex(shown, rf"(?m)^ +{event} \((info|warning|error)\)$")

    def completed(self, *words):
        """What bash offers for the last word."""
        script = self.root / "usr/share/bash-completion/completions/ecrelayctl"
        return run("bash", "-uc", 'source "$1"; shift; COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _ecrelayctl;'
                   ' printf "%s\\n" "${COMPREPLY[@]}"', "bash", script, "ecrelayctl", *words).split()

    def test_bash_completes_commands_options_and_values(self):
        self.assertIn("suppression", self.completed(""))
        self.assertEqual(self.completed("susp"), [])
        self.assertEqual(self.completed("supp"), ["suppression"])
        self.assertEqual(self.completed("--json", "suppression", "parked", "re"), ["release"])
        self.assertEqual(self.completed("--config", "queue", "queue", "li"), ["list"])
        self.assertEqual(self.completed("queue", "list", "--sh"), ["--shop"])
        self.assertEqual(self.completed("month", "export", "2026-10", "--encoding", ""), ["utf-8", "cp932"])
        self.assertEqual(self.completed("report", "read", str(self.root / "etc/ecr")), [str(self.root / "etc/ecrelay")])

    def test_zsh_completes_commands_options_and_values(self):
        script = self.root / "usr/share/zsh/vendor-completions/_ecrelayctl"

        def completed(*words):
            # What zsh's own functions would be given, instead of a terminal to press Tab in.
            return run("zsh", "-fc", '_describe() { print -l -- ${(P)2}; }; _files() { print FILES; }; words=("${@:2}"); CURRENT=$#words;'
                       ' service=ecrelayctl; source "$1"', "zsh", script, "ecrelayctl", *words)
        self.assertRegex(completed(""), "(?m)^suppression:addresses that get no mail$")
        self.assertRegex(completed("queue", ""), "(?m)^cancel:never send")
        self.assertRegex(completed("queue", "list", "-"), "(?m)^--shop:only of this shop$")
        self.assertEqual(completed("month", "export", "2026-10", "--encoding", "").split(), ["utf-8", "cp932"])
        self.assertEqual(completed("--config", "").split(), ["FILES"])

    @unittest.skipIf(SANITIZER, "sanitizers change how programs are made")
    def test_programs_are_hardened(self):
        for name in PROGRAMS:
            facts = run("readelf", "--wide", "--file-header", "--program-headers", "--dynamic", "--dyn-syms", self.program(name))
            wanted = {"PIE": r"Type: +DYN \(Position-Independent Executable file\)", "PIE flag": r"\(FLAGS_1\) .*\bNOW\b.*\bPIE\b",
                      "RELRO": "GNU_RELRO", "no executable stack": r"GNU_STACK .* RW ", "stack protector": "__stack_chk_fail"}
            if "CMAKE_BUILD_TYPE:STRING=Debug" not in (BUILD / "CMakeCache.txt").read_text():
                wanted["FORTIFY"] = "__(memcpy|snprintf|vsnprintf|read|fprintf|printf)_chk"
            self.assertEqual([what for what, pattern in wanted.items() if not re.search(pattern, facts)], [], name)
            self.assertFalse(re.search(r"\((RPATH|RUNPATH)\)", facts), name)
            # Debian 12's own start files are without CET, so the mark of the whole program cannot be there.
            main = run("objdump", "--disassemble=main", "--no-show-raw-insn", self.program(name))
            self.assertRegex(main[-4000:] if "endbr64" in main else "no endbr64 at main", "endbr64", name)

    def test_the_unit_is_valid_and_exposes_little(self):
        units = self.root / "usr/lib/systemd/system"
        shutil.copytree("/usr/lib/systemd/system", units, dirs_exist_ok=True, symlinks=True,
                        ignore=lambda folder, names: [name for name in names if name.startswith("ecrelay")])
        self.assertEqual(run("systemd-analyze", "verify", f"--root={self.root}", "--man=no", "ecrelayd.service"), "")
        score = run("systemd-analyze", "security", "--offline=true", "--threshold=20", f"--root={self.root}", "ecrelayd.service")
        self.assertIn("Overall exposure level", score)


class Package(unittest.TestCase):
    """The package on a root of its own, without the packages that it depends on."""

    @classmethod
    def setUpClass(cls):
        cls.folder = scratch(cls)
        run("cpack", "--config", BUILD / "CPackConfig.cmake", "-G", "DEB", "-B", cls.folder)
        [cls.package] = cls.folder.glob("*.deb")

    def setUp(self):
        self.root = Path(tempfile.mkdtemp(prefix="ecrelay-root-"))
        self.addCleanup(shutil.rmtree, self.root)
        for folder in ("var/lib/dpkg/info", "var/lib/dpkg/updates", "etc"):
            (self.root / folder).mkdir(parents=True)
        (self.root / "var/lib/dpkg/status").touch()

    def dpkg(self, *arguments):
        return run("dpkg", f"--root={self.root}", "--force-depends", "--force-script-chrootless", "--force-not-root", *arguments)

    def field(self, name):
        return run("dpkg-deb", "--field", self.package, name).strip()

    def test_it_says_what_it_needs(self):
        self.assertEqual(self.field("Package"), "ecrelay")
        for needed in ("libsqlite3-0", "libopendkim11", "libssl3", "libc-ares2", "libyaml-cpp0.7", "libsystemd0", "libstdc++6", "systemd"):
            self.assertIn(needed, self.field("Depends"))
        self.assertNotIn("-dev", self.field("Depends"))

    def test_its_programs_carry_no_debug_information(self):
        run("dpkg-deb", "--extract", self.package, self.root)
        for name in PROGRAMS:
            self.assertNotIn(".debug_info", run("readelf", "--wide", "--section-headers", self.root / "usr/bin" / name))

    def test_everything_belongs_to_root_and_only_root_writes_it(self):
        for line in run("dpkg-deb", "--contents", self.package).splitlines():
            self.assertRegex(line, r"^[-dl]rw[-x]r[-w]?[-x]r-[-x] root/root ")
            self.assertNotRegex(line, r"^.....w|^-.......w")

    @unittest.skipIf(os.geteuid() != 0, "only root gives files away: os.geteuid() != 0")
    def test_it_comes_and_goes_and_leaves_the_accounts(self):
        self.dpkg("--install", self.package)
        self.assertRegex((self.root / "etc/passwd").read_text(), "(?m)^ecrelay:x:.*nologin$")
        keys = (self.root / "etc/ecrelay/keys").stat()
        self.assertEqual((keys.st_mode & 0o777, keys.st_uid != 0), (0o700, True))
        self.assertEqual((self.root / "etc/ecrelay").stat().st_mode & 0o777, 0o750)

        config, book = self.root / "etc/ecrelay/ecrelay.yaml", self.root / "var/lib/ecrelay/book.db"
        config.write_text("# mine\n")
        book.parent.mkdir()
        book.write_text("money\n")
        self.dpkg("--install", self.package)
        self.assertEqual(config.read_text(), "# mine\n")

        self.dpkg("--remove", "ecrelay")
        self.assertFalse((self.root / "usr/bin/ecrelayd").exists())
        self.assertTrue(config.exists())

        said = self.dpkg("--purge", "ecrelay")
        self.assertFalse(config.exists())
        self.assertEqual(book.read_text(), "money\n")
        self.assertIn("/var/lib/ecrelay (ledger, queue, mail)", said)


if __name__ == "__main__":
    unittest.main()
