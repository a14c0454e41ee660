with klines as (
    select * from {{ ref('stg_klines') }}
),

-- A row is known at close_time, so the calendar is that of the close.
phases as (
    select
        *,
        2 * pi() * (epoch(close_time_utc) % 86400) / 86400 as day_phase,
        2 * pi() * extract(isodow from close_time_utc) / 7 as week_phase,
        ln(high / low) as bar_range
    from klines
),

-- The frames are bounded by time, not by rows, so a missing bar does not stretch the day.
-- 24 hours that end at this bar's close: the frame starts with the bar that opened at close_time - 24 hours.
windowed as (
    select
        *,
        avg(volume) over last_day as mean_volume_1d,
        avg(bar_range) over last_day as mean_range_1d,
        count(*) over last_day as bars_1d,
        min(open_time_utc) over last_two_days as first_open_time_2d
    from phases
    window
        last_day as (
            partition by symbol, timeframe
            order by open_time_utc
            range between interval 24 hours - (close_time_utc - open_time_utc) preceding and current row
        ),
        last_two_days as (
            partition by symbol, timeframe
            order by open_time_utc
            range between interval 48 hours - (close_time_utc - open_time_utc) preceding and current row
        )
),

-- A full day: history reaches back to its start, and at least half of its bars are there.
complete as (
    select
        *,
        first_open_time_2d <= close_time_utc - interval 24 hours
        and 2 * bars_1d * epoch(close_time_utc - open_time_utc) >= 86400 as has_full_day
    from windowed
)

select
    symbol,
    timeframe,
    open_time_utc at time zone 'UTC' as open_time,
    cast(sin(day_phase) as float) as hour_sin,
    cast(cos(day_phase) as float) as hour_cos,
    cast(sin(week_phase) as float) as weekday_sin,
    cast(cos(week_phase) as float) as weekday_cos,
    cast(case when has_full_day then volume / nullif(mean_volume_1d, 0) end as float) as volume_ratio_1d,
    cast(case when has_full_day then bar_range / nullif(mean_range_1d, 0) end as float) as range_ratio_1d
from complete
