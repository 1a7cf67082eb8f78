// A WHIP publisher and a WHEP player as any page would write them. A script of the tests: it is put
// into a page that is not the roundtable's own.

globalThis.whip = (() => {
    const headersOf = (token, more = {}) => ({ Authorization: `Bearer ${token}`, ...more });

    async function open(connection, url, token) {
        const early = [];
        let found = (line) => early.push(line);
        connection.addEventListener('icecandidate', ({ candidate }) => {
            if (candidate?.candidate) {
                found(`a=${candidate.candidate}\r\n`);
            }
        });
        await connection.setLocalDescription(await connection.createOffer());
        const posted = await fetch(url, {
            method: 'POST',
            body: connection.localDescription.sdp,
            headers: headersOf(token, { 'Content-Type': 'application/sdp' }),
        });
        const text = await posted.text();
        if (posted.status !== 201) {
            throw new Error(`${posted.status} ${text}`);
        }
        const call = {
            connection, token, answer: text,
            resource: new URL(posted.headers.get('Location'), url).href,
            tag: posted.headers.get('ETag'),
        };
        found = (line) => patch(call, call.tag, line);
        if (early.length > 0) {
            found(early.join(''));
        }
        await connection.setRemoteDescription({ type: 'answer', sdp: text });
        return call;
    }

    function patch(call, condition, lines) {
        const [, ufrag] = /a=ice-ufrag:(\S+)/.exec(call.connection.localDescription.sdp);
        const [, pwd] = /a=ice-pwd:(\S+)/.exec(call.connection.localDescription.sdp);
        return fetch(call.resource, {
            method: 'PATCH',
            body: `a=ice-ufrag:${ufrag}\r\na=ice-pwd:${pwd}\r\nm=audio 9 UDP/TLS/RTP/SAVPF 0\r\na=mid:0\r\n${lines}`,
            headers: headersOf(call.token, {
                'Content-Type': 'application/trickle-ice-sdpfrag', 'If-Match': condition,
            }),
        });
    }

    return {
        async publish(url, token) {
            const stream = await navigator.mediaDevices.getUserMedia({
                audio: { echoCancellation: false, noiseSuppression: false, autoGainControl: false },
                video: { width: 320, height: 180, frameRate: 15 },
            });
            const connection = new RTCPeerConnection({ bundlePolicy: 'max-bundle' });
            for (const track of stream.getTracks()) {
                connection.addTransceiver(track, { direction: 'sendonly', streams: [stream] });
            }
            return open(connection, url, token);
        },

        async play(url, token) {
            // Firefox finds addresses beside the default route's only for who may capture.
            await navigator.mediaDevices.getUserMedia({ audio: true });
            const connection = new RTCPeerConnection({ bundlePolicy: 'max-bundle' });
            connection.addTransceiver('audio', { direction: 'recvonly' });
            connection.addTransceiver('video', { direction: 'recvonly' });
            const stream = new MediaStream();
            connection.addEventListener('track', ({ track }) => stream.addTrack(track));
            const video = document.createElement('video');
            video.autoplay = true;
            video.srcObject = stream;
            document.body.append(video);
            return open(connection, url, token);
        },

        // ICE anew, by the PATCH of RFC 9725 section 4.3.3: its status.
        async restart(call) {
            const { connection } = call;
            connection.restartIce();
            await connection.setLocalDescription(await connection.createOffer());
            const patched = await patch(call, '*', '');
            const fragment = await patched.text();
            call.tag = patched.headers.get('ETag');
            for (const name of ['ice-ufrag', 'ice-pwd']) {
                const [line] = new RegExp(`a=${name}:\\S+`).exec(fragment);
                call.answer = call.answer.replaceAll(new RegExp(`a=${name}:\\S+`, 'g'), line);
            }
            await connection.setRemoteDescription({ type: 'answer', sdp: call.answer });
            return patched.status;
        },

        async end(call) {
            const ended = await fetch(call.resource, {
                method: 'DELETE', headers: headersOf(call.token),
            });
            call.connection.close();
            return ended.status;
        },

        // What has been sent or received until now.
        async figures({ connection }) {
            const reports = [...(await connection.getStats()).values()];
            const figures = { state: connection.connectionState };
            for (const report of reports) {
                if (report.type === 'outbound-rtp' || report.type === 'inbound-rtp') {
                    const codec = reports.find(({ id }) => id === report.codecId);
                    figures[report.kind] = {
                        codec: codec?.mimeType,
                        packets: report.packetsSent ?? report.packetsReceived,
                        lost: report.packetsLost,
                        frames: report.framesEncoded ?? report.framesDecoded,
                        width: report.frameWidth,
                        freezes: report.freezeCount,
                        energy: report.totalAudioEnergy,
                    };
                } else if (report.type === 'transport') {
                    figures.profile = report.srtpCipher;
                    figures.ufrag = report.iceLocalUsernameFragment;
                }
            }
            return figures;
        },
    };
})();
