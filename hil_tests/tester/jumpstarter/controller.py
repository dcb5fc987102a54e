"""A stand-in of jumpstarter's controller and router, for the real `jmp` before and a real exporter behind it.

Run by the Python of jumpstarter's own environment: CERTIFICATE KEY EXPORTER STATE, two PEM files and an exporter's
configuration. It prints host:port where clients reach it, and keeps what it knows of leases in STATE, one a line:
name, client, and new, waits, active or ended. There is one exporter, n6-01, leased in the order of arrival and started
anew for each lease; leases end by their duration or by deletion, and who deletes another client's is refused. Who a
client is, is what it says: a stand-in checks no token.
"""
# mypy: ignore-errors

import asyncio
import socket
import subprocess
import sys
import time
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import grpc
from jumpstarter_protocol import (
    client_pb2,
    client_pb2_grpc,
    jumpstarter_pb2,
    jumpstarter_pb2_grpc,
    kubernetes_pb2,
    router_pb2,
    router_pb2_grpc,
)

EXPORTER = "n6-01"
LOOK = 0.2  # seconds between two looks whether a lease still holds
PIECE = 1 << 15


class Exporter:
    """A real one, that listens for one session; it dies with us."""

    def __init__(self, configuration: str) -> None:
        with socket.create_server(("127.0.0.1", 0)) as free:
            self.address = free.getsockname()
        host, port = self.address
        line = [
            str(Path(sys.executable).with_name("jmp")),
            "run",
            "--exporter-config",
            configuration,
        ]
        line += ["--tls-grpc-listener", f"{host}:{port}", "--tls-grpc-insecure"]
        line = ["setpriv", "--pdeathsig", "TERM", *line]
        self.process = subprocess.Popen(line, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

    def listens(self) -> bool:
        with suppress(OSError), socket.create_connection(self.address):
            return True
        return False

    def end(self) -> None:
        self.process.terminate()


@dataclass
class Lease:
    name: str
    client: str
    asked: client_pb2.Lease
    begun: float | None = None
    ended: float | None = None
    exporter: Exporter | None = None
    asked_for: bool = False  # whether its client knows that it has been created

    def __str__(self) -> str:
        state = ("waits" if self.asked_for else "new") if self.begun is None else "active"
        return f"{self.name} {self.client} {state if self.ended is None else 'ended'}"

    @property
    def seconds(self) -> float:
        return self.asked.duration.ToTimedelta().total_seconds()


def name_of(path: str) -> str:
    return path.rpartition("/")[2]


def said_by(context, key: str) -> str:
    return dict(context.invocation_metadata()).get(key, "")


class Client(client_pb2_grpc.ClientServiceServicer):
    def __init__(self, configuration: str, state: str) -> None:
        self.leases: dict[str, Lease] = {}
        self.configuration, self.state = configuration, Path(state)
        self.next = Exporter(configuration)

    def look(self) -> None:
        """Let leases end that are over, and the first that waits begin."""
        now = time.time()
        for one in self.leases.values():
            if one.ended is None and one.begun is not None and now > one.begun + one.seconds:
                self.end(one, one.begun + one.seconds)
        current = [one for one in self.leases.values() if one.ended is None]
        # A client gives up one that is slow to answer, so that a lease begins when its exporter listens.
        if current and current[0].begun is None and self.next.listens():
            current[0].begun, current[0].exporter = now, self.next
        new = self.state.with_suffix(".new")
        new.write_text("".join(f"{one}\n" for one in self.leases.values()))
        new.rename(self.state)

    def end(self, lease: Lease, when: float) -> None:
        lease.ended = when
        if lease.exporter is not None:
            lease.exporter.end()
            self.next = Exporter(self.configuration)

    async def known(self, path: str, context) -> Lease:
        self.look()
        if name_of(path) not in self.leases:
            await context.abort(grpc.StatusCode.NOT_FOUND, f'lease "{name_of(path)}" not found')
        return self.leases[name_of(path)]

    def message(self, lease: Lease) -> client_pb2.Lease:
        state = "Ready" if lease.begun is not None and lease.ended is None else "Pending"
        condition = kubernetes_pb2.Condition(type=state, status="True", reason=state)
        if lease.ended is not None:
            condition = kubernetes_pb2.Condition(type="Ready", status="False", reason="Released")
        found = client_pb2.Lease(
            name=f"namespaces/default/leases/{lease.name}",
            selector=lease.asked.selector,
            exporter_name=lease.asked.exporter_name,
            duration=lease.asked.duration,
            client=f"namespaces/default/clients/{lease.client}",
            exporter="" if lease.begun is None else f"namespaces/default/exporters/{EXPORTER}",
            conditions=[condition],
        )
        for when, at in (
            (lease.begun, "effective_begin_time"),
            (lease.ended, "effective_end_time"),
        ):
            if when is not None:
                getattr(found, at).FromDatetime(datetime.fromtimestamp(when, UTC))
        return found

    async def GetExporter(self, request, context):
        return client_pb2.Exporter(name=request.name, online=True)

    async def CreateLease(self, request, context):
        if request.lease.exporter_name not in ("", EXPORTER):
            await context.abort(grpc.StatusCode.NOT_FOUND, "no such exporter")
        name = request.lease_id or f"lease-{len(self.leases)}"
        if name in self.leases:
            await context.abort(grpc.StatusCode.ALREADY_EXISTS, f'leases "{name}" already exists')
        self.leases[name] = Lease(name, said_by(context, "jumpstarter-name"), request.lease)
        self.look()
        return self.message(self.leases[name])

    async def GetLease(self, request, context):
        lease = await self.known(request.name, context)
        lease.asked_for = True
        self.look()
        return self.message(lease)

    async def ListLeases(self, request, context):
        self.look()
        active = [
            one for one in self.leases.values() if not request.only_active or one.ended is None
        ]
        return client_pb2.ListLeasesResponse(leases=[self.message(one) for one in active])

    async def DeleteLease(self, request, context):
        lease = await self.known(request.name, context)
        if lease.client != said_by(context, "jumpstarter-name"):
            await context.abort(grpc.StatusCode.PERMISSION_DENIED, "permission denied")
        if lease.ended is None:
            self.end(lease, time.time())
        self.look()
        return client_pb2_grpc.google_dot_protobuf_dot_empty__pb2.Empty()


class Controller(jumpstarter_pb2_grpc.ControllerServiceServicer):
    def __init__(self, client: Client) -> None:
        self.client, self.endpoint = client, ""

    async def Dial(self, request, context):
        lease = await self.client.known(request.lease_name, context)
        if lease.ended is not None or lease.begun is None:
            await context.abort(grpc.StatusCode.FAILED_PRECONDITION, "lease is not active")
        return jumpstarter_pb2.DialResponse(router_endpoint=self.endpoint, router_token=lease.name)


class Router(router_pb2_grpc.RouterServiceServicer):
    """Passes bytes between a client and the exporter, as long as the lease holds that the token names."""

    def __init__(self, client: Client) -> None:
        self.client = client

    async def Stream(self, requests, context):
        token = said_by(context, "authorization").removeprefix("Bearer ")
        lease = await self.client.known(token, context)
        reader, writer = await asyncio.open_connection(*lease.exporter.address)

        async def up() -> None:
            async for frame in requests:
                if frame.frame_type == router_pb2.FRAME_TYPE_GOAWAY:
                    return
                writer.write(frame.payload)
                await writer.drain()

        async def down() -> None:
            while data := await reader.read(PIECE):
                await context.write(router_pb2.StreamResponse(payload=data))

        async def over() -> None:
            while lease.ended is None:
                self.client.look()
                await asyncio.sleep(LOOK)

        tasks = [asyncio.ensure_future(one()) for one in (up, down, over)]
        try:
            await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        finally:
            writer.close()
            for task in tasks:
                task.cancel()
                with suppress(asyncio.CancelledError, Exception):
                    await task


async def main(certificate: str, key: str, exporter: str, state: str) -> None:
    pair = (Path(key).read_bytes(), Path(certificate).read_bytes())
    server, client = grpc.aio.server(), Client(exporter, state)
    controller = Controller(client)
    client_pb2_grpc.add_ClientServiceServicer_to_server(client, server)
    jumpstarter_pb2_grpc.add_ControllerServiceServicer_to_server(controller, server)
    router_pb2_grpc.add_RouterServiceServicer_to_server(Router(client), server)
    bound = server.add_secure_port("127.0.0.1:0", grpc.ssl_server_credentials([pair]))
    controller.endpoint = f"127.0.0.1:{bound}"
    await server.start()
    print(controller.endpoint, flush=True)
    await server.wait_for_termination()


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
