import CSystem

/// How many threads calls may use.
public enum Threads {
    /// What `setMaximum` last set, at first PULLPUSH_NUM_THREADS; plus one, and 0 before first use.
    nonisolated(unsafe) private static var maximum: Int64 = 0

    /// No call uses more threads than this.
    private static let most = 256

    private static func initial() -> Int64 { clamped(environment("PULLPUSH_NUM_THREADS").map { Int(atoi($0)) } ?? 0) }

    private static func clamped(_ count: Int) -> Int64 { Int64(max(0, min(count, most))) }

    /// Sets the most threads any call may use, 0 for as many as there are processors, and returns the value before.
    @discardableResult
    public static func setMaximum(_ count: Int) -> Int {
        _ = onFirstUse(&maximum, initial)
        return Int(csystem_exchange(&maximum, clamped(count) + 1)) - 1
    }

    /// The number of workers for a call.
    ///
    /// - Parameters:
    ///   - requested: the call's option; 0 chooses by size
    ///   - size: bytes of features, and what else takes as long as a pass over so many
    static func workers(_ requested: Int, size: Double) -> Int {
        // With less, waking a helper takes longer than it saves.
        if requested == 1 || (requested == 0 && size < 1e6) { return 1 }
        let set = Int(onFirstUse(&maximum, initial))
        let limit = set == 0 ? min(Int(csystem_processor_count()), most) : set
        return requested == 0 ? limit : min(requested, limit)
    }
}
