"""Steps of a client's workflow, and what became of each; runs on every Python since 3.6.

A step's value, what it printed and its exception go to the real stdout as one line of JSON. Nothing is
judged here: whoever started this process knows what is documented.
"""

import io
import json
import signal
import sys
import threading
import time
import traceback

PATIENCE = 120


class TooLong(Exception):
    """A step has had all the time that it may have."""


class Missing(Exception):
    """An earlier step did not give what this one needs."""


class Voices(io.TextIOBase):
    """Takes the place of stdout and keeps what each thread prints apart from the others."""

    def __init__(self):
        self.texts = {}

    def write(self, text):
        self.texts.setdefault(threading.get_ident(), []).append(text)
        return len(text)

    def flush(self):
        pass

    def of(self, thread):
        return "".join(self.texts.get(thread, []))

    def forget(self, thread):
        self.texts.pop(thread, None)


REAL = sys.stdout
VOICES = Voices()


class Background:
    """Something that prints while others do something else: a monitor."""

    def __init__(self, do, *arguments):
        self.error = None
        self.ready = threading.Event()
        self.thread = threading.Thread(target=self._run, args=(do, arguments), daemon=True)
        self.thread.start()
        self.ready.wait()

    def _run(self, do, arguments):
        VOICES.forget(threading.get_ident())
        self.ready.set()
        try:
            do(*arguments)
        except BaseException as error:
            self.error = "%s: %s" % (type(error).__name__, error)

    def text(self):
        return VOICES.of(self.thread.ident)

    def until_said(self, what):
        def said():
            if self.error:
                raise Exception("the monitor failed: %s; it had said %r" % (self.error, self.text()))
            if what in self.text():
                return True
            if not self.thread.is_alive():
                raise Exception("the monitor ended without %r; it said %r" % (what, self.text()))
            return False

        until("%r from the monitor" % what, said)

    def end(self):
        self.thread.join(PATIENCE)
        if self.thread.is_alive():
            raise TooLong("the monitor never ended; it said %r" % self.text())
        if self.error:
            raise Exception("the monitor failed: %s; it had said %r" % (self.error, self.text()))
        return self.text()


def until(what, condition, every=0.1):
    """Looks at `condition` until it gives something true, and gives that."""
    deadline = time.time() + PATIENCE
    while True:
        found = condition()
        if found:
            return found
        if time.time() > deadline:
            raise TooLong("waited in vain for %s" % what)
        time.sleep(every)


class Known(dict):
    """What steps found out for later ones."""

    def __missing__(self, name):
        raise Missing("%s is not known: the step that gives it failed" % name)


class Story:
    """The settings that were given, what is known so far, and the steps."""

    def __init__(self, settings):
        self.settings = settings
        self.known = Known()
        sys.stdout = VOICES
        signal.signal(signal.SIGALRM, self._too_long)

    @staticmethod
    def _too_long(_signal, _frame):
        raise TooLong("this took longer than %d s" % PATIENCE)

    def step(self, name, do):
        """Does it, tells of it, and gives its value, or None when it failed."""
        me = threading.get_ident()
        VOICES.forget(me)
        told = {"step": name, "value": None, "error": None}
        begun = time.time()
        signal.alarm(PATIENCE)
        try:
            told["value"] = do()
        except BaseException as error:
            told["error"] = "%s: %s" % (type(error).__name__, error)
            told["trace"] = traceback.format_exc()
        finally:
            signal.alarm(0)
        told["seconds"] = round(time.time() - begun, 3)
        told["output"] = VOICES.of(me)
        REAL.write(json.dumps(told, default=str) + "\n")
        REAL.flush()
        return told["value"]

    def store(self, bucket, key):
        """How a manifest of 2018 names a bucket; `key` is `source` or `target`."""
        connection = {
            "endpoint_url": self.settings["endpoint"],
            "access_key_id": self.settings["access_key"],
            "secret_access_key": self.settings["secret_key"],
        }
        return {"connection": connection, key: {"bucket": bucket}, "type": "s3"}


def settings():
    with open(sys.argv[1]) as file:
        return json.load(file)
