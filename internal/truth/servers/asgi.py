"""What uvicorn serves."""
import asyncio


async def app(scope, receive, send):
    if scope["type"] != "http":
        raise ValueError(scope["type"])  # there is no lifespan, and no websocket
    await asyncio.sleep(0.1)
    headers = [(b"content-type", b"text/plain"), (b"content-length", b"3")]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": b"ok\n"})
