#!/usr/bin/python3
"""Plants a violation of every rule in a small tree and sees it found; and sees a clean tree pass."""
import os
import tempfile
import unittest
from pathlib import Path

import check_coroutines
import check_format
import check_layers
import check_scripts
import check_sizes
import check_threats
import check_top
import check_words
import cpp

README = """
| level | module | what it is | uses |
|---|---|---|---|
| 0 | `core` | values | |
| 1 | `mail` | mails | `core` |
| 1 | `smtp` | dialogue | `core` `mail` |
| 2 | `store` | the book | `core` |
| 4 | `daemon` | programs | `store` |

| library | headers | modules | why |
|---|---|---|---|
| SQLite | `sqlite3.h` | `store` | the book |
| Asio | `boost/asio/` | `daemon` | the network |
"""

CLEAN = {
    "lib/README.md": README,
    "lib/core/text.h": "#pragma once\n",
    "lib/mail/mail.h": '#pragma once\n#include "core/text.h"\n',
    "lib/smtp/smtp.h": '#pragma once\n#include "core/text.h"\n#include "mail/mail.h"\n',
    "lib/store/store.cpp": '#include <sqlite3.h>\n#include "core/text.h"\nauto q = "SELECT id FROM message";\n',
    "lib/smtp/CMakeLists.txt": "relay_module(smtp SOURCES smtp.cpp USES relay::core relay::mail)\n",
    "daemon/main.cpp": '#include <boost/asio/ip/tcp.hpp>\n#include "store/store.h"\n',
}


class Planted(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.root = Path(folder.name)

    def plant(self, **changes):
        for name, text in {**CLEAN, **changes.get("files", {})}.items():
            path = self.root / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)

    def found(self, check, files):
        self.plant(files=files)
        return "\n".join(check.problems(self.root))


class Layers(Planted):
    def check(self, files, expected):
        self.assertIn(expected, self.found(check_layers, files))

    def test_a_clean_tree_has_no_problem(self):
        self.assertEqual(self.found(check_layers, {}), "")

    def test_an_include_that_the_table_does_not_allow(self):
        self.check({"lib/mail/mail.h": '#include "core/text.h"\n#include "smtp/smtp.h"\n'}, "`mail` does not use `smtp`")

    def test_a_name_of_a_module_that_came_through_another_header(self):
        self.check({"lib/mail/mail.h": '#include "core/text.h"\nsmtp::Reply reply;\n'}, "lib/mail/mail.h:2: `mail` does not use `smtp`")

    def test_a_table_that_allows_a_higher_level(self):
        self.check({"lib/README.md": README.replace("| mails | `core` |", "| mails | `core` `store` |")}, "may not use `store`")

    def test_a_table_that_allows_a_sibling_to_the_right(self):
        self.check({"lib/README.md": README.replace("| mails | `core` |", "| mails | `core` `smtp` |")}, "may not use `smtp`")

    def test_a_use_that_is_in_the_table_and_nowhere_else(self):
        self.check({"lib/smtp/smtp.h": '#include "core/text.h"\n', "lib/smtp/CMakeLists.txt": "relay_module(smtp SOURCES smtp.cpp USES relay::core)"},
                   "`smtp` says it uses `mail`")

    def test_a_link_that_is_not_in_the_table(self):
        self.check({"lib/smtp/CMakeLists.txt": "relay_module(smtp SOURCES a.cpp USES relay::core relay::store)"}, "USES relay::store")

    def test_a_library_in_the_wrong_module(self):
        self.check({"lib/mail/mail.h": '#include "core/text.h"\n#include <sqlite3.h>\n'}, "SQLite does not belong in `mail`")

    def test_sql_outside_the_store(self):
        self.check({"daemon/main.cpp": 'auto q = "SELECT 1 FROM message";\n'}, "SQL belongs in `store`")

    def test_the_whole_of_asio(self):
        self.check({"daemon/main.cpp": "#include <boost/asio.hpp>\n"}, "never the whole")

    def test_regular_expressions_of_the_standard_library(self):
        self.check({"lib/core/text.h": "#include <regex>\n"}, "recurses")

    def test_a_clock_and_a_thread_in_a_pure_module(self):
        self.check({"lib/mail/mail.h": '#include "core/text.h"\n#include <thread>\n'}, "<thread> is not")
        self.check({"lib/mail/mail.h": '#include "core/text.h"\nauto t = Clock::now();\n'}, "level 1 is pure")

    def test_a_folder_that_is_no_module(self):
        self.check({"lib/extra/extra.h": "\n"}, "lib/extra: not in the table")

    def test_a_commented_include_does_not_count(self):
        self.assertEqual(self.found(check_layers, {"lib/core/text.h": '// #include "store/store.h"\n/*\n#include <regex>\n*/\n'}), "")


class Coroutines(unittest.TestCase):
    def lines(self, text):
        return [line for line, _ in check_coroutines.problems_of(text)]

    def test_an_aggregate_in_the_awaited_call(self):
        self.assertEqual(self.lines("task f() {\n  co_await dispatch(Job{.id = 1});\n}"), [2])

    def test_an_aggregate_beside_the_awaited_call(self):
        self.assertEqual(self.lines("task f() {\n  use(Job{1},\n      co_await g());\n}"), [2])

    def test_an_empty_brace_and_a_bare_list(self):
        self.assertEqual(self.lines("task f() { co_await g({}); co_await h({1, 2}); }"), [1, 1])

    def test_a_template_in_braces(self):
        self.assertEqual(self.lines("task f() {\n  auto n = co_await send(std::array<char, 2>{'a', 'b'});\n}"), [2])

    def test_a_capturing_lambda_handed_to_an_awaited_call(self):
        self.assertEqual(self.lines("task f() {\n  co_await g([x] { return x; });\n}"), [2])

    def test_a_capturing_lambda_that_is_a_coroutine(self):
        self.assertEqual(self.lines("void f() {\n  spawn([this]() -> awaitable<void> { co_await run(); });\n}"), [2])
        self.assertEqual(self.lines("void f() {\n  spawn([&]() -> awaitable<int> { if (a) { co_return 1; } co_return 2; });\n}"), [2])

    def test_an_await_in_a_condition(self):
        self.assertEqual(self.lines("task f() {\n  if (co_await g(A{1})) {\n    h(B{2});\n  }\n}"), [2])

    def test_a_body_after_a_return_type(self):
        self.assertEqual(self.lines("auto f() -> asio::awaitable<std::vector<int>> {\n  co_await g(A{});\n}"), [2])

    def test_what_is_right_is_left_alone(self):
        clean = """
            namespace a::b {
            class Session final : public X {
             public:
              Session() : a_{1}, b_{2} {}
              asio::awaitable<void> run() {
                Job job{.id = 1};                       // Job{} before the co_await is a statement of its own
                co_await dispatch(std::move(job));
                for (auto& each : list) { co_await each(); }
                const auto text = "co_await f(X{})";
                auto less = [&](int a) { return a < limit; };
                while (!co_await done(socket_[0])) { touch(Y{1}); }
                auto plain = [](int n) -> asio::awaitable<void> { co_await wait(n); };
                switch (co_await next()) { case 1: { h(Z{}); break; } default: break; }
                co_return Reply{250, "ok"};
              }
              int a_{0};
            };
            }"""
        self.assertEqual(self.lines(clean), [])

    def test_functions_are_counted_with_their_name_and_length(self):
        text = "namespace a {\nclass B {\n  int c() {\n    return 1;\n  }\n};\nvoid B::d(int x) const {\n}\n}\n"
        self.assertEqual([(name, count) for name, _, count in cpp.functions(cpp.parse(text))], [("c", 3), ("d", 2)])


class Sizes(Planted):
    def test_a_long_file(self):
        self.assertIn("501 lines", self.found(check_sizes, {"lib/core/long.cpp": "\n" * 501}))

    def test_a_long_function(self):
        text = "int slow() {\n" + "  work();\n" * 60 + "}\n"
        self.assertIn("slow() has 62 lines", self.found(check_sizes, {"lib/core/long.cpp": text}))

    def test_a_reason_excuses_and_goes_stale(self):
        self.plant(files={"lib/core/long.cpp": "\n" * 501})
        self.assertEqual(list(check_sizes.problems(self.root, {"lib/core/long.cpp": "a table"})), [])
        (self.root / "lib/core/long.cpp").write_text("\n")
        self.assertIn("not long any more", "".join(check_sizes.problems(self.root, {"lib/core/long.cpp": "a table"})))


class Top(Planted):
    def test_a_stranger_in_the_top_folder(self):
        self.assertIn("notes.txt: not in the agreed layout", self.found(check_top, {"notes.txt": ""}))

    def test_a_missing_part(self):
        self.assertIn("systemd: missing", self.found(check_top, {}))

    def test_a_module_that_is_not_on_the_map(self):
        self.assertIn("lib/misc: not a module", self.found(check_top, {"lib/misc/a.h": ""}))


class Threats(Planted):
    def found_in(self, *names):
        self.plant(files={"tests/unit/a_test.cpp": "TEST_F(Wall, Holds) {}\n", "tests/system/test_a.py": "def test_it_holds(self):\n",
                          "tests/threats.md": f"| what | tests |\n|---|---|\n| fire | {' '.join(f'`{name}`' for name in names)} |\n"})
        return "\n".join(check_threats.problems(self.root))

    def test_names_that_are_there(self):
        self.assertEqual(self.found_in("unit/a_test.cpp#Wall.Holds", "system/test_a.py#test_it_holds", "system/test_a.py"), "")

    def test_a_name_that_no_test_has_any_more(self):
        for name in ("unit/a_test.cpp#Wall.Hold", "system/test_a.py#test_it_hold", "unit/b_test.cpp"):
            with self.subTest(name):
                self.assertIn(f"tests/threats.md:3: no test '{name}'", self.found_in(name))

    def test_a_threat_without_a_test(self):
        self.assertIn("no test is named", self.found_in())


class Words(Planted):
    def test_each_word_of_unfinished_work(self):
        for word in ("TO" + "DO", "fix" + "me", "place" + "holder", "not " + "implemented", "for " + "now"):
            with self.subTest(word):
                self.assertIn(word, self.found(check_words, {"lib/core/text.h": f"// {word}: later\n"}))

    def test_a_test_that_skips_sleeps_or_cannot_fail(self):
        for word in ("GTEST_" + "SKIP()", "EXPECT_TRUE(" + "true)", "sleep_" + "for(1s)"):
            with self.subTest(word):
                self.assertIn(word.split("(")[0], self.found(check_words, {"tests/unit/a_test.cpp": word + ";\n"}))

    def test_a_test_may_stand_back_where_the_corpus_is_missing_and_says_so(self):
        skip = "GTEST_" + 'SKIP() << "NO CORPUS"\n   << "set ECRELAY_SHARED";\n'
        self.assertEqual(self.found(check_words, {"tests/unit/a_test.cpp": skip}), "")

    def test_a_note_in_a_test(self):
        self.assertIn("FIX" + "ME", self.found(check_words, {"tests/unit/a_test.cpp": "// FIX" + "ME\n"}))

    def test_words_that_only_contain_one(self):
        self.assertEqual(self.found(check_words, {"lib/core/text.h": "// stubborn hackles\n"}), "")


class Format(Planted):
    def test_a_file_out_of_shape(self):
        self.assertIn("lib/core/text.h:1", self.found(check_format, {".clang-format": "BasedOnStyle: Google\n", "lib/core/text.h": "int   a ;\n"}))


class Scripts(Planted):
    def script(self, text, mode=0o755, name="scripts/go"):
        self.plant(files={name: text})
        os.chmod(self.root / name, mode)
        return "\n".join(check_scripts.problems(self.root))

    def test_what_shellcheck_finds(self):
        self.assertIn("SC2086", self.script("#!/bin/bash\nls $1\n"))

    def test_python_that_does_not_parse(self):
        self.assertIn("tests/a.py:1", self.script("def (:\n", name="tests/a.py"))

    def test_a_script_that_nobody_can_run(self):
        self.assertIn("not executable", self.script("#!/bin/bash\n", mode=0o644))


if __name__ == "__main__":
    unittest.main()
