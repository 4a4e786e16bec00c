"""The dashboard in a real kernel."""

from __future__ import annotations

import queue

from jupyter_client.manager import start_new_kernel

#: More than the queues between a kernel and its server hold by themselves: twice a thousand, and the sockets' buffers.
_MANY = 20_000
_CODE = f"""
from hamexplorer.panels.kernel import keep_every_message
keep_every_message()
for k in range({_MANY}):
    get_ipython().display_pub.publish({{"text/plain": "x" * 500}})
"""


def test_no_message_is_lost_while_the_server_is_busy():
    manager, client = start_new_kernel(kernel_name="python3")
    try:
        asked = client.execute(_CODE)
        reply = client.get_shell_msg(timeout=120)
        assert reply["content"]["status"] == "ok"
        # Only now does the server find the time to read.
        shown = 0
        while True:
            try:
                message = client.get_iopub_msg(timeout=10)
            except queue.Empty:
                raise AssertionError(f"the end was lost; {shown} of {_MANY} arrived") from None
            if message["parent_header"].get("msg_id") != asked:
                continue
            shown += message["msg_type"] == "display_data"
            if message["msg_type"] == "status" and message["content"]["execution_state"] == "idle":
                break
        assert shown == _MANY
    finally:
        client.stop_channels()
        manager.shutdown_kernel(now=True)
