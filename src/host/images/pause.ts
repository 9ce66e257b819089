import { type Architecture, staticElf } from "./elf.ts";

/**
 * The pause program, which holds a pod's namespaces: it blocks SIGINT, SIGTERM and SIGCHLD and waits for them in a
 * loop. SIGINT and SIGTERM end it; SIGCHLD makes it reap every child that ended (with a shared process namespace it is
 * the pod's init). Blocked signals reach the waiting call even for process 1. Each row: machine code, assembly.
 */
const AMD64: readonly (readonly [code: string, assembly: string])[] = [
  ["31ff", "        xor   edi, edi              ; SIG_BLOCK"],
  ["488d3553000000", "        lea   rsi, [rip + mask]"],
  ["31d2", "        xor   edx, edx"],
  ["41ba08000000", "        mov   r10d, 8               ; bytes of a signal set"],
  ["b80e000000", "        mov   eax, 14               ; rt_sigprocmask"],
  ["0f05", "        syscall"],
  ["488d3d3d000000", "wait:   lea   rdi, [rip + mask]"],
  ["31f6", "        xor   esi, esi              ; no siginfo"],
  ["31d2", "        xor   edx, edx              ; no time limit"],
  ["41ba08000000", "        mov   r10d, 8"],
  ["b880000000", "        mov   eax, 128              ; rt_sigtimedwait"],
  ["0f05", "        syscall"],
  ["83f811", "        cmp   eax, 17               ; SIGCHLD"],
  ["7411", "        je    reap"],
  ["83f802", "        cmp   eax, 2                ; SIGINT"],
  ["7405", "        je    end"],
  ["83f80f", "        cmp   eax, 15               ; SIGTERM"],
  ["75d9", "        jne   wait                  ; interrupted"],
  ["31ff", "end:    xor   edi, edi"],
  ["6a3c58", "        push  60; pop rax           ; exit(0)"],
  ["0f05", "        syscall"],
  ["6aff5f", "reap:   push  -1; pop rdi           ; any child"],
  ["31f6", "        xor   esi, esi"],
  ["6a015a", "        push  1; pop rdx            ; WNOHANG"],
  ["4531d2", "        xor   r10d, r10d"],
  ["6a3d58", "        push  61; pop rax           ; wait4"],
  ["0f05", "        syscall"],
  ["85c0", "        test  eax, eax"],
  ["7fec", "        jg    reap"],
  ["ebbc", "        jmp   wait"],
  ["0240010000000000", "mask:   dq    1<<1 | 1<<14 | 1<<16  ; SIGINT, SIGTERM, SIGCHLD"],
];

/** Words as the manual prints them; they are stored little-endian. */
const ARM64: readonly (readonly [code: string, assembly: string])[] = [
  ["d2800000", "        mov   x0, #0                // SIG_BLOCK"],
  ["100003a1", "        adr   x1, mask"],
  ["d2800002", "        mov   x2, #0"],
  ["d2800103", "        mov   x3, #8                // bytes of a signal set"],
  ["d28010e8", "        mov   x8, #135              // rt_sigprocmask"],
  ["d4000001", "        svc   #0"],
  ["10000300", "wait:   adr   x0, mask"],
  ["d2800001", "        mov   x1, #0                // no siginfo"],
  ["d2800002", "        mov   x2, #0                // no time limit"],
  ["d2800103", "        mov   x3, #8"],
  ["d2801128", "        mov   x8, #137              // rt_sigtimedwait"],
  ["d4000001", "        svc   #0"],
  ["7100441f", "        cmp   w0, #17               // SIGCHLD"],
  ["54000100", "        b.eq  reap"],
  ["7100081f", "        cmp   w0, #2                // SIGINT"],
  ["54000060", "        b.eq  end"],
  ["71003c1f", "        cmp   w0, #15               // SIGTERM"],
  ["54fffea1", "        b.ne  wait                  // interrupted"],
  ["d2800000", "end:    mov   x0, #0"],
  ["d2800ba8", "        mov   x8, #93               // exit(0)"],
  ["d4000001", "        svc   #0"],
  ["92800000", "reap:   mov   x0, #-1               // any child"],
  ["d2800001", "        mov   x1, #0"],
  ["d2800022", "        mov   x2, #1                // WNOHANG"],
  ["d2800003", "        mov   x3, #0"],
  ["d2802088", "        mov   x8, #260              // wait4"],
  ["d4000001", "        svc   #0"],
  ["7100001f", "        cmp   w0, #0"],
  ["54ffff2c", "        b.gt  reap"],
  ["17ffffe9", "        b     wait"],
  ["00014002", "mask:   .quad 1<<1 | 1<<14 | 1<<16  // SIGINT, SIGTERM, SIGCHLD"],
  ["00000000", ""],
];

/** The static executable. */
export function pauseExecutable(architecture: Architecture): Buffer {
  const rows = architecture === "amd64" ? AMD64 : ARM64;
  const parts = rows.map(([code]) => Buffer.from(code, "hex"));
  const code = Buffer.concat(architecture === "amd64" ? parts : parts.map((word) => word.reverse()));
  return staticElf(architecture, code);
}
