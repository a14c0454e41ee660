{{ config(alias='klines') }}

with source as (
    select * from {{ source('market', 'klines') }}
),

renamed as (
    select
        symbol,
        timeframe,
        -- Times without zone, in UTC: interval arithmetic and calendars then depend on no session setting.
        open_time at time zone 'UTC' as open_time_utc,
        close_time at time zone 'UTC' as close_time_utc,
        cast(high as double) as high,
        cast(low as double) as low,
        cast(volume as double) as volume
    from source
)

select
    symbol,
    timeframe,
    open_time_utc,
    close_time_utc,
    high,
    low,
    volume
from renamed
