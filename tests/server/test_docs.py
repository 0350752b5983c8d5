"""What the pages tell people to type is typed: commands of the shell, statements at the prompt,
requests of the REST API; and the properties that they list are there with the defaults given.

The pages' server is one that has docs/examples/orders.sql and orders that keep arriving.
"""

import json
import os
import pathlib
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import unittest

import weir

ROOT = pathlib.Path(__file__).resolve().parents[2]
WEIR = None
ENDLESS_SECONDS = 2  # a command that goes on is ended after that, when it has shown something


def blocks(page):
    """The code blocks of a page."""
    return re.findall(r'^```\w*\n(.*?)^```', (ROOT / page).read_text(), flags=re.M | re.S)


def is_open(command):
    """Whether a quote goes on in the next line."""
    return len(re.findall(r"(?<!\\)'", command)) % 2 == 1


def commands(page):
    """Every call of curl or weir that stands in a page, and every statement behind its prompt."""
    found = []
    for block in blocks(page):
        lines = iter(block.splitlines())
        for line in lines:
            typed = re.sub(r'^build/bin/', '', line)
            if re.match(r'weir> \S', typed):
                statement = re.sub(r'\s+--.*', '', typed[len('weir> '):])
                if statement.endswith(';'):
                    found.append('weir -e "%s"' % statement)
            elif re.match(r'curl |weir (-|datagen )', typed):
                while is_open(typed):
                    typed += '\n' + next(lines)
                found.append(re.sub(r'\s+# .*', '', typed))
    return found


def rows(page):
    """The cells of all tables of a page."""
    for line in (ROOT / page).read_text().splitlines():
        if line.startswith('| '):
            yield [cell.strip() for cell in re.split(r'(?<!\\)\|', line)[1:-1]]


class Pages(unittest.TestCase):
    def setUp(self):
        self.folder = self.enterContext(tempfile.TemporaryDirectory())
        self.server = self.enterContext(
            weir.Server('--queries', str(ROOT / 'docs/examples/orders.sql')))
        self.url = 'http://127.0.0.1:%d' % self.server.port
        pathlib.Path(self.folder, 'statements.sql').write_text('SHOW STREAMS;\n')
        orders = subprocess.Popen(
            [WEIR, 'datagen', 'orders', '--rate', '20', '--server', self.url],
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        self.addCleanup(orders.wait)
        self.addCleanup(orders.kill)
        for source in 'ITEM_TOTALS', 'BIG_ORDERS':
            weir.eventually(lambda: self.count(source) > 0, 'rows in ' + source)

    def count(self, source):
        """Rows that a pull query finds."""
        body = json.dumps({'sql': 'SELECT * FROM %s;' % source}).encode()
        return self.server.request('POST', '/query-stream', body)[2].count(b'\n') - 1

    def type(self, command):
        """Runs a line in a shell whose weir and addresses are those of the test."""
        command = re.sub(r'(http://)?(127\.0\.0\.1|localhost):8088', self.url, command)
        if not shutil.which('jq'):
            command = re.sub(r'\| jq .*', '', command)
        functions = '''
            weir() {
                case $1 in
                datagen) "$WEIR" "$@" --server "$URL" ;;
                *) "$WEIR" --server "$URL" "$@" ;;
                esac
            }
        '''
        with tempfile.TemporaryFile('w+') as out:
            shell = subprocess.Popen(
                ['bash', '-c', functions + command], cwd=self.folder,
                env={**os.environ, 'WEIR': WEIR, 'URL': self.url}, start_new_session=True,
                stdin=subprocess.DEVNULL, stdout=out, stderr=subprocess.STDOUT)
            for _ in range(weir.SECONDS_MAX // ENDLESS_SECONDS):
                try:
                    shell.wait(ENDLESS_SECONDS)
                    break
                except subprocess.TimeoutExpired:
                    if os.fstat(out.fileno()).st_size > 0:
                        break
            if shell.poll() is None:
                os.killpg(shell.pid, signal.SIGKILL)
                shell.wait()
            out.seek(0)
            return max(shell.returncode, 0), out.read()

    def check(self, page, at_least):
        typed = commands(page)
        self.assertGreaterEqual(len(typed), at_least, page)
        for command in typed:
            with self.subTest(page=page, command=command):
                code, out = self.type(command)
                self.assertEqual(code, 0, out)
                self.assertNotEqual(out, '')
                self.assertNotIn('error_code', out)

    def test_front_page(self):
        self.check('README.md', 4)

    def test_rest(self):
        self.check('docs/rest.md', 1)

    def test_command_line(self):
        self.check('docs/cli.md', 5)

    def test_examples(self):
        self.check('docs/examples/README.md', 5)

    def test_the_first_test_file_of_the_page_passes(self):
        file, answer = blocks('docs/testing.md')[:2]
        pathlib.Path(self.folder, 'filter.test').write_text(file)
        done = subprocess.run([WEIR, 'test', 'filter.test'], cwd=self.folder, text=True,
                              capture_output=True, timeout=weir.SECONDS_MAX)
        self.assertEqual('$ weir test filter.test\n' + done.stdout, answer)

    def test_every_request_of_the_table_is_answered(self):
        found = [match for row in rows('docs/rest.md')
                 for match in re.findall(r'`(GET|POST) (/[^?`]*)', row[0])]
        self.assertGreaterEqual(len(found), 6)
        for method, path in found:
            path = path.replace('/stream/NAME', '/stream/ORDERS')
            path = path.replace('NAME', 'auto.offset.reset')
            with self.subTest(path=path):
                sent = b'{}' if method == 'POST' else b''
                status, _, body = self.server.request(method, path, sent)
                self.assertNotEqual((status, body), (404, b'Not Found'))

    def test_what_is_not_there_yet_is_not_there(self):
        found = [path for row in rows('docs/COMPAT.md') if row[1] == '404'
                 for path in re.findall(r'`(/[^`]*)`', row[0])]
        self.assertGreaterEqual(len(found), 1)
        for path in found:
            with self.subTest(path=path):
                for method in 'GET', 'POST':
                    self.assertEqual(self.server.request(method, path)[0], 404)

    def test_listed_properties_have_the_defaults_given(self):
        is_set = {'listeners'}  # by every test
        shown = {entry['name']: entry['value']
                 for entry in self.server.sql('SHOW PROPERTIES;')[0]['properties']}
        found = [(row[0].strip('`'), row[1].strip('`')) for page in
                 ('docs/server.md', 'docs/sql/managing.md') for row in rows(page)
                 if re.fullmatch(r'`[a-z_]+(\.[a-z_]+)*`', row[0])]
        self.assertGreaterEqual(len(found), 10)
        for name, default in found:
            with self.subTest(name=name):
                self.assertIn(name, shown)
                if name not in is_set:
                    self.assertEqual(shown[name] or '', default)


WEIR = os.path.abspath(sys.argv.pop(2))
weir.main()
