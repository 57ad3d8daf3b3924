"""A process ends soon after SIGTERM, whatever its threads wait for.

Nothing is lost by a hard end: what was not acknowledged is delivered again, what was not committed
never happened, and the row of a job decides whether it is done.
"""

import os
import signal
import socket
import threading
import time

from shared.core.logs import get_logger

log = get_logger(__name__)

STOP_SECONDS = 4  #: from the signal to a hard end
LAST_WORDS_SECONDS = 0.2
ENDING = bytes([signal.SIGTERM, signal.SIGINT, signal.SIGQUIT])


def end_soon_after_sigterm() -> None:
    """End this process hard when SIGTERM (or SIGINT, SIGQUIT) has not ended it within 4 s.

    Call it in the main thread. Python notes the numbers of signals in a pipe: whichever handlers a
    library sets, and whatever call the main thread is in. Gunicorn uses that pipe by itself, so its
    processes have `graceful_timeout` instead.
    """
    reader, writer = socket.socketpair()
    writer.setblocking(False)
    signal.set_wakeup_fd(writer.fileno(), warn_on_full_buffer=False)
    # Both ends live as long as the thread, which is as long as the process.
    threading.Thread(target=_end, args=(reader, writer), name="stopping", daemon=True).start()


def _end(reader: socket.socket, _writer: socket.socket) -> None:
    while reader.recv(1) not in ENDING:
        pass
    time.sleep(STOP_SECONDS - LAST_WORDS_SECONDS)
    # In a thread, because the log may be what does not answer.
    threading.Thread(target=log.warning, args=["stopped hard, threads did not end"]).start()
    time.sleep(LAST_WORDS_SECONDS)
    os._exit(0)
