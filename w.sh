#!/bin/sh
trap 'kill $c; wait $c; exit 143' TERM
./lastcall serve ignores-term --addr 127.0.0.1:$PORT >/dev/null 2>&1 & c=$!
sleep 0 
wait $c
