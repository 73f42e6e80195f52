import CSystem

/// How many threads calls may use.
public enum Threads {
    /// What `setMaximum` last set, plus one; 0 before.
    nonisolated(unsafe) private static var setting: Int64 = 0

    /// PULLPUSH_NUM_THREADS, or 0.
    private static let initial: Int = {
        guard let text = environment("PULLPUSH_NUM_THREADS") else { return 0 }
        return max(0, min(Int(atoi(text)), most))
    }()

    /// No call uses more threads than this.
    private static let most = 256

    /// Sets the most threads any call may use, 0 for as many as there are processors, and returns the value before.
    @discardableResult
    public static func setMaximum(_ count: Int) -> Int {
        let before = csystem_exchange(&setting, Int64(max(0, min(count, most))) + 1)
        return before == 0 ? initial : Int(before) - 1
    }

    /// The number of workers for a call on so many bytes of features.
    ///
    /// - Parameter requested: the call's option; 0 chooses by size
    static func workers(_ requested: Int, bytes: Int) -> Int {
        // Below this, waking a helper takes longer than it saves.
        if requested == 1 || (requested == 0 && bytes < 1_000_000) { return 1 }
        let set = csystem_load(&setting)
        let limit = set == 0 ? initial : Int(set) - 1
        let maximum = limit == 0 ? min(Int(csystem_processor_count()), most) : limit
        return requested == 0 ? maximum : min(requested, maximum)
    }
}
