#!/bin/sh
trap 'exit 143' TERM
sleep 0.5
exec ./lastcall serve ignores-term --addr 127.0.0.1:$PORT
