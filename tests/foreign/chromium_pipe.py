"""A real Chromium, driven over its debugging pipe; no further package is needed for it."""

from __future__ import annotations

import asyncio
import base64
import json
import os
import shutil
from contextlib import asynccontextmanager

CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser"))), None)
"""Where the browser is; None when it is not installed."""

_ARGUMENTS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--disable-extensions",
    "--disable-background-networking",
    "--no-first-run",
    "--hide-scrollbars",
    "--remote-debugging-pipe",
)


class Page:
    """One tab: open an address, run a script in it, take its picture."""

    def __init__(self, reader, pipe):
        self._reader, self._pipe = reader, pipe
        self._replies, self._last = {}, 0
        self._awaited = {}
        self._session = ""
        self.messages = []
        """Everything the browser reported: errors, console, policy violations."""

    async def call(self, method, /, **params):
        """Send one command of the DevTools protocol and give its result."""
        self._last += 1
        reply = self._replies[self._last] = asyncio.get_running_loop().create_future()
        command = {"id": self._last, "method": method, "params": params}
        if self._session:
            command["sessionId"] = self._session
        os.write(self._pipe, json.dumps(command).encode() + b"\0")
        async with asyncio.timeout(20):
            return await reply

    async def listen(self):
        """Hand out replies and collect reports until the browser closes its pipe."""
        while raw := await self._next():
            message = json.loads(raw)
            reply = self._replies.pop(message.get("id"), None)
            if reply is None:
                self._report(message)
            elif "error" in message:
                reply.set_exception(RuntimeError(message["error"]["message"]))
            else:
                reply.set_result(message["result"])

    def _report(self, message):
        self.messages.append(message)
        awaited = self._awaited.pop(message["method"], None)
        if awaited is not None:
            awaited.set_result(None)

    async def _next(self):
        try:
            return (await self._reader.readuntil(b"\0"))[:-1]
        except asyncio.IncompleteReadError:
            return b""

    async def attach(self, *, javascript=True):
        """Open the tab that the other calls speak to."""
        target = await self.call("Target.createTarget", url="about:blank")
        session = await self.call(
            "Target.attachToTarget", targetId=target["targetId"], flatten=True
        )
        self._session = session["sessionId"]
        for domain in ("Page", "Runtime", "Log"):
            await self.call(f"{domain}.enable")
        await self.call("Emulation.setScriptExecutionDisabled", value=not javascript)

    async def open(self, url, *, width=1280, height=900, dark=False):
        """Load an address at a window size and wait until it is there."""
        await self.call("Emulation.setDeviceMetricsOverride", width=width, height=height,
                        deviceScaleFactor=1, mobile=width < 600)  # fmt: skip
        scheme = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
        await self.call("Emulation.setEmulatedMedia", features=[scheme])
        await self.loading(self.call("Page.navigate", url=url))

    async def loading(self, cause):
        """Do something that loads a page, and wait until it is there."""
        loaded = self._awaited["Page.loadEventFired"] = asyncio.get_running_loop().create_future()
        await cause
        async with asyncio.timeout(20):
            await loaded

    async def focus(self, selector):
        """Put the caret into a field; works without scripts."""
        root = (await self.call("DOM.getDocument"))["root"]["nodeId"]
        found = await self.call("DOM.querySelector", nodeId=root, selector=selector)
        await self.call("DOM.focus", nodeId=found["nodeId"])

    async def key(self, name):
        """Press one key."""
        for kind in ("keyDown", "keyUp"):
            text = "\r" if (kind, name) == ("keyDown", "Enter") else ""
            await self.call("Input.dispatchKeyEvent", type=kind, key=name, code=name, text=text,
                            windowsVirtualKeyCode=13 if name == "Enter" else 0)  # fmt: skip

    async def source(self):
        """Give the page as HTML; works without scripts."""
        root = (await self.call("DOM.getDocument"))["root"]["nodeId"]
        return (await self.call("DOM.getOuterHTML", nodeId=root))["outerHTML"]

    async def run(self, script):
        """Give the value of an expression in the page."""
        result = await self.call("Runtime.evaluate", expression=script, returnByValue=True,
                                 awaitPromise=True)  # fmt: skip
        assert "exceptionDetails" not in result, result
        return result["result"].get("value")

    async def until(self, condition, seconds=15):
        """Wait until an expression becomes true in the page."""
        script = f"""new Promise((done) => {{
            const look = () => ({condition}) ? done(true) : setTimeout(look, 20);
            look();
        }})"""
        async with asyncio.timeout(seconds):
            await self.run(script)

    async def picture(self, path, *, whole=True):
        """Save the whole page as PNG."""
        shot = await self.call("Page.captureScreenshot", captureBeyondViewport=whole)
        path.write_bytes(base64.b64decode(shot["data"]))


@asynccontextmanager
async def browser(profile, *, javascript=True):
    """Run a Chromium of its own with an empty profile and give its one page."""
    to_child, ours_out = os.pipe()
    ours_in, from_child = os.pipe()

    def place():
        # the protocol wants to read on 3 and write on 4
        low, high = os.dup(to_child), os.dup(from_child)
        os.dup2(low, 3)
        os.dup2(high, 4)

    process = await asyncio.create_subprocess_exec(
        CHROMIUM, *_ARGUMENTS, f"--user-data-dir={profile}", pass_fds=(3, 4), preexec_fn=place,
        stdin=asyncio.subprocess.DEVNULL, stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.DEVNULL,
    )  # fmt: skip
    os.close(to_child)
    os.close(from_child)
    loop = asyncio.get_running_loop()
    reader = asyncio.StreamReader(limit=64 * 2**20)
    transport, _ = await loop.connect_read_pipe(
        lambda: asyncio.StreamReaderProtocol(reader), os.fdopen(ours_in, "rb", 0)
    )
    page = Page(reader, ours_out)
    listener = asyncio.create_task(page.listen())
    try:
        await page.attach(javascript=javascript)
        yield page
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()
        os.close(ours_out)
        await listener
        transport.close()
